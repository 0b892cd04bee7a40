%% What was missed and is not acknowledged: waiting for a number, or outstanding under one. Before what was missed
%% come the accounts that came or went (the journal): a request of a new account waits for the latter alone.
%% Only the link's process writes here, and while there is none, whoever sets its tables up.
-module(mod_xmpp_push_buffer).

-export([keep/2, keeps/2, void/2, drop_available/2, drop_resource/3, note_back/3]).
-export([window_used/1, find_outstanding/2, next_outstanding/2, insert_outstanding/2, remove_outstanding/3, promote/1]).
-export([ack/2, take_withdrawn/1, is_journal_sent/3]).
-export([keep_kinds/2, take_users/2, dump/1, dump_again/2, restore/3]).

-include("mod_xmpp_push.hrl").

%% Resources noted with an event, at most.
-define(MAX_BACK, 50).

%% Index keys have one size, so that those of a user are neighbours: {User, journal, <<>>, <<>>} -> Order,
%% {User, outstanding, Number, <<>>} -> Number and {User, waiting, Kind, Resource} -> order() (mod_xmpp_push_share); and those of what is
%% deferred.

%%% In

%% Keeps an event: with the one of the same user, resource and kind that still waits, else on its own.
-spec keep(#tabs{}, #event{}) -> ok.
keep(Tabs, #event{kind = Kind, user = User} = Event) when ?is_journal(Kind) ->
    void(Tabs, User),
    put_down(Tabs, Event);
keep(#tabs{index = Index} = Tabs, Event) ->
    case ets:lookup(Index, unsent_key(Event)) of
        [{_, Order}] -> merge(Tabs, Order, Event);
        [] -> make_room(Tabs), append(Tabs, mod_xmpp_push_weight:fit(Tabs, Event)), make_users_room(Tabs, Event)
    end.

%% The last that became of an account voids what became of it before.
put_down(#tabs{index = Index} = Tabs, Event) ->
    case ets:lookup(Index, unsent_key(Event)) of
        [{_, Order}] -> remove_unsent(Tabs, Order, Event);
        [] -> make_journal_room(Tabs)
    end,
    append(Tabs, Event).

append(#tabs{index = Index} = Tabs, Event) ->
    Order = mod_xmpp_push_state:bump(Tabs, order),
    ets:insert(unsent(Tabs, Event), {Order, Event}),
    ets:insert(Index, {unsent_key(Event), Order}),
    ok.

merge(#tabs{waiting = Waiting} = Tabs, Order, New) ->
    Old = ets:lookup_element(Waiting, Order, 2),
    Both = Old#event{count = Old#event.count + New#event.count,
                     first = min(Old#event.first, New#event.first),
                     last = max(Old#event.last, New#event.last),
                     keys = mod_xmpp_push_keys:join(Old#event.keys, New#event.keys)},
    ets:insert(Waiting, {Order, newest(Tabs, Both, New)}),
    ok.

%% The newest message with a content is worth most.
newest(_, Old, #event{message = none}) -> Old;
newest(_, #event{content = true} = Old, #event{content = false}) -> Old;
newest(Tabs, Old, New) ->
    mod_xmpp_push_weight:add(Tabs, -Old#event.size),
    Fitting = mod_xmpp_push_weight:fit(Tabs, New),
    Old#event{message = Fitting#event.message, content = Fitting#event.content, size = Fitting#event.size}.

%% With all of it outstanding (a window as large as the buffer) there is nothing to drop here.
make_room(#tabs{waiting = Waiting, outstanding = Outstanding} = Tabs) ->
    #limits{entries = Max} = mod_xmpp_push_state:get(Tabs, limits),
    ets:info(Waiting, size) + ets:info(Outstanding, size) >= Max
        andalso drop_unsent(Tabs, Waiting, mod_xmpp_push_share:eldest(Tabs)).

make_users_room(#tabs{waiting = Waiting} = Tabs, #event{user = User}) ->
    case mod_xmpp_push_share:eldest_beyond(Tabs, User) of
        {ok, Order} -> drop_unsent(Tabs, Waiting, Order);
        none -> ok
    end.

make_journal_room(#tabs{journal = Journal} = Tabs) ->
    #limits{journal = Max} = mod_xmpp_push_state:get(Tabs, limits),
    ets:info(Journal, size) >= Max andalso drop_unsent(Tabs, Journal, ets:first(Journal)).

drop_unsent(_, _, '$end_of_table') ->
    ok;
drop_unsent(Tabs, Table, Order) ->
    #event{count = Count} = Event = ets:lookup_element(Table, Order, 2),
    mod_xmpp_push_state:bump(Tabs, dropped, Count),
    remove_unsent(Tabs, Order, Event).

%%% Out

%% An event that is withdrawn has its place until the service has acknowledged it, or starts anew.
-spec window_used(#tabs{}) -> non_neg_integer().
window_used(#tabs{outstanding = Outstanding, withdrawn = Withdrawn}) ->
    ets:info(Outstanding, size) + ets:info(Withdrawn, size).

-spec find_outstanding(#tabs{}, pos_integer()) -> #event{} | none.
find_outstanding(#tabs{outstanding = Outstanding}, Number) ->
    case ets:lookup(Outstanding, Number) of
        [{_, Event}] -> Event;
        [] -> none
    end.

%% The outstanding event after this number, for sending all of them again.
-spec next_outstanding(#tabs{}, non_neg_integer()) -> {pos_integer(), #event{}} | none.
next_outstanding(#tabs{outstanding = Outstanding}, After) ->
    case ets:next(Outstanding, After) of
        '$end_of_table' -> none;
        Number -> {Number, ets:lookup_element(Outstanding, Number, 2)}
    end.

%% Gives the first that waits its number, of a user who may have one more outstanding.
-spec promote(#tabs{}) -> {pos_integer(), #event{}} | none.
promote(#tabs{journal = Journal} = Tabs) ->
    case ets:first(Journal) of
        '$end_of_table' -> promote_missed(Tabs);
        Order -> promote(Tabs, Journal, Order, ets:lookup_element(Journal, Order, 2))
    end.

promote_missed(#tabs{waiting = Waiting} = Tabs) ->
    case ets:first(Waiting) of
        Order when is_integer(Order) -> promote_or_hold(Tabs, Order, ets:lookup_element(Waiting, Order, 2));
        _ -> none
    end.

promote_or_hold(#tabs{waiting = Waiting} = Tabs, Order, #event{user = User} = Event) ->
    case mod_xmpp_push_share:has_room(Tabs, User) of
        true ->
            promote(Tabs, Waiting, Order, Event);
        false ->
            mod_xmpp_push_share:hold(Tabs, Order, Event),
            promote_missed(Tabs)
    end.

promote(#tabs{index = Index} = Tabs, Table, Order, Event) ->
    Number = insert_outstanding(Tabs, Event),
    ets:delete(Index, unsent_key(Event)),
    ets:delete(Table, Order),
    {Number, Event}.

-spec insert_outstanding(#tabs{}, #event{}) -> pos_integer().
insert_outstanding(#tabs{outstanding = Outstanding, index = Index} = Tabs, Event) ->
    Number = mod_xmpp_push_state:bump(Tabs, number),
    ets:insert(Outstanding, {Number, Event}),
    ets:insert(Index, {outstanding_key(Event, Number), Number}),
    note_again(Tabs, Event),
    Number.

%% An event that was deferred once is written down while it is outstanding, too.
note_again(_, #event{for = []}) -> false;
note_again(Tabs, _) -> mod_xmpp_push_state:changed(Tabs).

%% Ranges may name numbers that are not there; the walk is over those that are.
-spec ack(#tabs{}, [{pos_integer(), pos_integer()}]) -> ok.
ack(Tabs, Ranges) ->
    lists:foreach(fun({From, To}) -> ack_from(Tabs, From - 1, To), ack_withdrawn(Tabs, From - 1, To) end, Ranges).

ack_from(Tabs, After, To) ->
    case next_outstanding(Tabs, After) of
        {Number, Event} when Number =< To ->
            remove_outstanding(Tabs, Number, Event),
            ack_from(Tabs, Number, To);
        _ ->
            ok
    end.

ack_withdrawn(#tabs{withdrawn = Withdrawn} = Tabs, After, To) ->
    case ets:next(Withdrawn, After) of
        Number when is_integer(Number), Number =< To ->
            ets:delete(Withdrawn, Number),
            ack_withdrawn(Tabs, Number, To);
        _ ->
            ok
    end.

%% Returns the numbers that the service is to be told once more at its hello.
-spec take_withdrawn(#tabs{}) -> [pos_integer()].
take_withdrawn(#tabs{withdrawn = Withdrawn}) ->
    Numbers = [Number || {Number} <- ets:tab2list(Withdrawn)],
    ets:delete_all_objects(Withdrawn),
    Numbers.

%% Whether the service was sent all that became of the account, when of what is outstanding it was sent what has
%% numbers up to Resent.
-spec is_journal_sent(#tabs{}, binary(), non_neg_integer() | done) -> boolean().
is_journal_sent(#tabs{index = Index} = Tabs, User, Resent) ->
    not ets:member(Index, {User, journal, <<>>, <<>>})
        andalso (Resent == done orelse is_journal_resent(Tabs, User, {User, outstanding, Resent, <<>>})).

is_journal_resent(#tabs{index = Index, outstanding = Outstanding} = Tabs, User, Cursor) ->
    case ets:next(Index, Cursor) of
        {User, outstanding, Number, _} = Key ->
            #event{kind = Kind} = ets:lookup_element(Outstanding, Number, 2),
            not ?is_journal(Kind) andalso is_journal_resent(Tabs, User, Key);
        _ ->
            true
    end.

%% Forgets what waits and is of no kind that is wanted (any more).
-spec keep_kinds(#tabs{}, [kind()]) -> ok.
keep_kinds(Tabs, Kinds) ->
    Unwanted = [Row || {_, #event{kind = Kind}} = Row <- all_unsent(Tabs), not lists:member(Kind, Kinds)],
    lists:foreach(fun({Order, Event}) -> remove_unsent(Tabs, Order, Event) end, Unwanted).

%%% By user

-spec keeps(#tabs{}, binary()) -> boolean().
keeps(#tabs{index = Index}, User) ->
    case ets:next(Index, before(User)) of
        {User, _, _, _} -> true;
        _ -> false
    end.

%% Forgets all of a user but the journal, and what is deferred.
-spec void(#tabs{}, binary()) -> ok.
void(Tabs, User) ->
    _ = drop(Tabs, User, fun(_) -> true end),
    ok.

%% The user is reachable again. Returns the numbers of what had been sent, and remembers them for the next hello.
-spec drop_available(#tabs{}, binary()) -> [pos_integer()].
drop_available(Tabs, User) ->
    withdraw(Tabs, drop(Tabs, User, fun(#event{kind = Kind}) -> Kind == offline orelse Kind == lost end)).

%% The device is back.
-spec drop_resource(#tabs{}, binary(), binary()) -> [pos_integer()].
drop_resource(Tabs, User, Resource) ->
    withdraw(Tabs, drop(Tabs, User, fun(#event{resource = R}) -> R == Resource end)).

%% Events of the user that are outstanding may yet be deferred, for this resource among others.
-spec note_back(#tabs{}, binary(), binary()) -> ok.
note_back(Tabs, User, Resource) ->
    note_back(Tabs, User, Resource, {User, outstanding, 0, <<>>}).

note_back(#tabs{index = Index, outstanding = Outstanding} = Tabs, User, Resource, Cursor) ->
    case ets:next(Index, Cursor) of
        {User, outstanding, Number, _} = Key ->
            #event{back = Back} = Event = ets:lookup_element(Outstanding, Number, 2),
            Noted = lists:sublist([Resource | lists:delete(Resource, Back)], ?MAX_BACK),
            ets:insert(Outstanding, {Number, Event#event{back = Noted}}),
            note_back(Tabs, User, Resource, Key);
        _ ->
            ok
    end.

withdraw(#tabs{withdrawn = Withdrawn}, Numbers) ->
    ets:insert(Withdrawn, [{Number} || Number <- Numbers]),
    Numbers.

drop(Tabs, User, Which) ->
    drop(Tabs, User, Which, before(User), []).

drop(#tabs{index = Index} = Tabs, User, Which, Cursor, Numbers) ->
    case ets:next(Index, Cursor) of
        {User, Place, _, _} = Key ->
            Id = ets:lookup_element(Index, Key, 2),
            drop(Tabs, User, Which, Key, drop_one(Tabs, Place, Id, Which) ++ Numbers);
        _ ->
            lists:reverse(Numbers)
    end.

drop_one(_, Place, _, _) when Place == journal; Place == deferred ->
    [];
drop_one(#tabs{waiting = Waiting} = Tabs, waiting, Order, Which) ->
    Event = ets:lookup_element(Waiting, Order, 2),
    Which(Event) andalso remove_unsent(Tabs, Order, Event),
    [];
drop_one(#tabs{outstanding = Outstanding} = Tabs, outstanding, Number, Which) ->
    Event = ets:lookup_element(Outstanding, Number, 2),
    case not ?is_journal(Event#event.kind) andalso Which(Event) of
        true -> remove_outstanding(Tabs, Number, Event), [Number];
        false -> []
    end.

%%% Over a restart of the server, and to another link

%% Takes out all of the users that Which names.
-spec take_users(#tabs{}, fun((binary()) -> boolean())) -> {Outstanding :: [#event{}], Waiting :: [#event{}]}.
take_users(#tabs{outstanding = Outstanding} = Tabs, Which) ->
    Of = fun(Rows) -> [Row || {_, #event{user = User}} = Row <- Rows, Which(User)] end,
    {Sent, Unsent} = {Of(ets:tab2list(Outstanding)), Of(all_unsent(Tabs))},
    lists:foreach(fun({Number, Event}) -> remove_outstanding(Tabs, Number, Event) end, Sent),
    lists:foreach(fun({Order, Event}) -> remove_unsent(Tabs, Order, Event) end, Unsent),
    {[Event || {_, Event} <- Sent], [Event || {_, Event} <- Unsent]}.

-spec dump(#tabs{}) -> {Outstanding :: [#event{}], Waiting :: [#event{}]}.
dump(#tabs{outstanding = Outstanding} = Tabs) ->
    Epoch = mod_xmpp_push_state:get(Tabs, epoch),
    {[named(Epoch, Number, Event) || {Number, Event} <- ets:tab2list(Outstanding)],
     [Event || {_, Event} <- all_unsent(Tabs)]}.

%% By the number that it was told under first.
named(Epoch, Number, #event{was = none} = Event) -> Event#event{was = {Epoch, Number}};
named(_, _, Event) -> Event.

%% The events that were deferred and are outstanding again, in order, as Form makes them.
-spec dump_again(#tabs{}, fun((#event{}) -> #event{})) -> [#event{}].
dump_again(#tabs{outstanding = Outstanding}, Form) ->
    ets:foldr(fun({_, #event{for = []}}, Rest) -> Rest;
                 ({_, Event}, Rest) -> [Form(Event) | Rest]
              end, [], Outstanding).

%% What was outstanding stays so, under a new number: collapsed, the service would not know it again.
-spec restore(#tabs{}, outstanding | waiting, #event{}) -> ok.
restore(Tabs, outstanding, Event) ->
    _ = insert_outstanding(Tabs, mod_xmpp_push_weight:fit(Tabs, Event)),
    ok;
restore(Tabs, waiting, #event{kind = Kind} = Event) when ?is_journal(Kind) ->
    put_down(Tabs, Event);
restore(Tabs, waiting, Event) ->
    keep(Tabs, Event).

%%% Rows

remove_unsent(#tabs{index = Index} = Tabs, Order, Event) ->
    ets:delete(Index, unsent_key(Event)),
    ets:delete(unsent(Tabs, Event), Order),
    mod_xmpp_push_weight:add(Tabs, -Event#event.size),
    ok.

-spec remove_outstanding(#tabs{}, pos_integer(), #event{}) -> ok.
remove_outstanding(#tabs{outstanding = Outstanding, index = Index} = Tabs, Number, Event) ->
    ets:delete(Index, outstanding_key(Event, Number)),
    ets:delete(Outstanding, Number),
    mod_xmpp_push_weight:add(Tabs, -Event#event.size),
    note_again(Tabs, Event),
    mod_xmpp_push_share:let_go(Tabs, Event#event.user).

%% In their order.
all_unsent(#tabs{journal = Journal, waiting = Waiting}) ->
    ets:tab2list(Journal) ++ ets:tab2list(Waiting).

unsent(#tabs{journal = Journal}, #event{kind = Kind}) when ?is_journal(Kind) -> Journal;
unsent(#tabs{waiting = Waiting}, _) -> Waiting.

unsent_key(#event{user = User, kind = Kind}) when ?is_journal(Kind) ->
    {User, journal, <<>>, <<>>};
unsent_key(Event) ->
    mod_xmpp_push_share:index_key(Event).

outstanding_key(#event{user = User}, Number) ->
    {User, outstanding, Number, <<>>}.

%% Before every index key of the user: numbers sort before atoms.
before(User) ->
    {User, 0, 0, 0}.
