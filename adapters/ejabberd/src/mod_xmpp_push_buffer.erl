%% What was missed and is not acknowledged: waiting for a number, or outstanding under one.
%% Only the link's process writes here, and while there is none, whoever sets its tables up.
-module(mod_xmpp_push_buffer).

-export([keep/2, keeps/2, void/2, drop_available/2, drop_resource/3]).
-export([window_used/1, next_outstanding/2, promote/1, ack/2]).
-export([keep_kinds/2, recount/1, take_users/2, dump/1, restore/3]).

-include("mod_xmpp_push.hrl").

-define(is_journal(Kind), (Kind == removed orelse Kind == created)).

%% Index keys have one size, so that those of a user are neighbours:
%% {User, waiting, Kind, Resource} -> Order and {User, outstanding, Number, <<>>} -> Number.

%%% In

%% Keeps an event: with the one of the same user, resource and kind that still waits, else on its own.
-spec keep(#tabs{}, #event{}) -> ok.
keep(Tabs, #event{kind = Kind, user = User} = Event) when ?is_journal(Kind) ->
    void(Tabs, User),
    append(Tabs, Event);
keep(#tabs{index = Index} = Tabs, Event) ->
    case ets:lookup(Index, waiting_key(Event)) of
        [{_, Order}] -> merge(Tabs, Order, Event);
        [] -> make_room(Tabs), append_indexed(Tabs, fit(Tabs, Event))
    end.

append(#tabs{waiting = Waiting} = Tabs, Event) ->
    Order = mod_xmpp_push_state:bump(Tabs, order),
    ets:insert(Waiting, {Order, Event}),
    ok.

append_indexed(#tabs{waiting = Waiting, index = Index} = Tabs, Event) ->
    Order = mod_xmpp_push_state:bump(Tabs, order),
    ets:insert(Waiting, {Order, Event}),
    ets:insert(Index, {waiting_key(Event), Order}),
    ok.

merge(#tabs{waiting = Waiting} = Tabs, Order, New) ->
    Old = ets:lookup_element(Waiting, Order, 2),
    Both = Old#event{count = Old#event.count + New#event.count,
                     first = min(Old#event.first, New#event.first)},
    ets:insert(Waiting, {Order, newest(Tabs, Both, New)}),
    ok.

%% The newest message with a content is worth most.
newest(_, Old, #event{message = none}) -> Old;
newest(_, #event{content = true} = Old, #event{content = false}) -> Old;
newest(Tabs, Old, New) ->
    add_bytes(Tabs, -Old#event.size),
    Fitting = fit(Tabs, New),
    Old#event{message = Fitting#event.message, content = Fitting#event.content, size = Fitting#event.size}.

%% Over the bytes, a wake-up stays without its message.
fit(Tabs, #event{size = Size} = Event) ->
    {_, MaxBytes} = mod_xmpp_push_state:get(Tabs, limits),
    case mod_xmpp_push_state:get(Tabs, bytes, 0) + Size =< MaxBytes of
        true ->
            add_bytes(Tabs, Size),
            Event;
        false ->
            Event#event{message = none, content = false, size = 0}
    end.

make_room(#tabs{waiting = Waiting, outstanding = Outstanding} = Tabs) ->
    {MaxEntries, _} = mod_xmpp_push_state:get(Tabs, limits),
    case ets:info(Waiting, size) + ets:info(Outstanding, size) >= MaxEntries of
        true -> drop_eldest(Tabs, ets:first(Waiting));
        false -> ok
    end.

%% With all of it outstanding (a window as large as the buffer) there is nothing to drop here.
drop_eldest(_, '$end_of_table') ->
    ok;
drop_eldest(#tabs{waiting = Waiting} = Tabs, Order) ->
    case ets:lookup_element(Waiting, Order, 2) of
        #event{kind = Kind} when ?is_journal(Kind) ->
            drop_eldest(Tabs, ets:next(Waiting, Order));
        #event{count = Count} = Event ->
            mod_xmpp_push_state:bump(Tabs, dropped, Count),
            remove_waiting(Tabs, Order, Event)
    end.

%%% Out

-spec window_used(#tabs{}) -> non_neg_integer().
window_used(#tabs{outstanding = Outstanding}) ->
    ets:info(Outstanding, size).

%% The outstanding event after this number, for sending all of them again.
-spec next_outstanding(#tabs{}, non_neg_integer()) -> {pos_integer(), #event{}} | none.
next_outstanding(#tabs{outstanding = Outstanding}, After) ->
    case ets:next(Outstanding, After) of
        '$end_of_table' -> none;
        Number -> {Number, ets:lookup_element(Outstanding, Number, 2)}
    end.

%% Gives the first that waits its number.
-spec promote(#tabs{}) -> {pos_integer(), #event{}} | none.
promote(#tabs{waiting = Waiting} = Tabs) ->
    case ets:first(Waiting) of
        '$end_of_table' ->
            none;
        Order ->
            Event = ets:lookup_element(Waiting, Order, 2),
            Number = insert_outstanding(Tabs, Event),
            ets:delete(Tabs#tabs.index, waiting_key(Event)),
            ets:delete(Waiting, Order),
            {Number, Event}
    end.

insert_outstanding(#tabs{outstanding = Outstanding, index = Index} = Tabs, Event) ->
    Number = mod_xmpp_push_state:bump(Tabs, number),
    ets:insert(Outstanding, {Number, Event}),
    ets:insert(Index, {outstanding_key(Event, Number), Number}),
    Number.

%% Ranges may name numbers that are not there; the walk is over those that are.
-spec ack(#tabs{}, [{pos_integer(), pos_integer()}]) -> ok.
ack(Tabs, Ranges) ->
    lists:foreach(fun({From, To}) -> ack_from(Tabs, From - 1, To) end, Ranges).

ack_from(Tabs, After, To) ->
    case next_outstanding(Tabs, After) of
        {Number, Event} when Number =< To ->
            remove_outstanding(Tabs, Number, Event),
            ack_from(Tabs, Number, To);
        _ ->
            ok
    end.

%% Forgets what waits and is of no kind that is wanted (any more).
-spec keep_kinds(#tabs{}, [kind()]) -> ok.
keep_kinds(#tabs{waiting = Waiting} = Tabs, Kinds) ->
    Unwanted = [Row || {_, #event{kind = Kind}} = Row <- ets:tab2list(Waiting), not lists:member(Kind, Kinds)],
    lists:foreach(fun({Order, Event}) -> remove_waiting(Tabs, Order, Event) end, Unwanted).

%%% By user

-spec keeps(#tabs{}, binary()) -> boolean().
keeps(#tabs{index = Index}, User) ->
    case ets:next(Index, before(User)) of
        {User, _, _, _} -> true;
        _ -> false
    end.

%% Forgets all of a user but the journal.
-spec void(#tabs{}, binary()) -> ok.
void(Tabs, User) ->
    _ = drop(Tabs, User, fun(_) -> true end),
    ok.

%% The user is reachable again. Returns the numbers of what had been sent.
-spec drop_available(#tabs{}, binary()) -> [pos_integer()].
drop_available(Tabs, User) ->
    drop(Tabs, User, fun(#event{kind = Kind}) -> Kind == offline orelse Kind == lost end).

%% The device is back.
-spec drop_resource(#tabs{}, binary(), binary()) -> [pos_integer()].
drop_resource(Tabs, User, Resource) ->
    drop(Tabs, User, fun(#event{resource = R}) -> R == Resource end).

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

drop_one(#tabs{waiting = Waiting} = Tabs, waiting, Order, Which) ->
    Event = ets:lookup_element(Waiting, Order, 2),
    Which(Event) andalso remove_waiting(Tabs, Order, Event),
    [];
drop_one(#tabs{outstanding = Outstanding} = Tabs, outstanding, Number, Which) ->
    Event = ets:lookup_element(Outstanding, Number, 2),
    case not ?is_journal(Event#event.kind) andalso Which(Event) of
        true -> remove_outstanding(Tabs, Number, Event), [Number];
        false -> []
    end.

%%% Over a restart of the server, and to another link

%% The bytes kept, counted anew: a crash may have left the counter behind.
-spec recount(#tabs{}) -> true.
recount(#tabs{waiting = Waiting, outstanding = Outstanding} = Tabs) ->
    Sum = fun({_, #event{size = Size}}, Bytes) -> Bytes + Size end,
    mod_xmpp_push_state:put(Tabs, bytes, ets:foldl(Sum, ets:foldl(Sum, 0, Waiting), Outstanding)).

%% Takes out all of the users that Which names.
-spec take_users(#tabs{}, fun((binary()) -> boolean())) -> {Outstanding :: [#event{}], Waiting :: [#event{}]}.
take_users(#tabs{waiting = Waiting, outstanding = Outstanding} = Tabs, Which) ->
    Rows = fun(Table) -> [Row || {_, #event{user = User}} = Row <- ets:tab2list(Table), Which(User)] end,
    {Sent, Unsent} = {Rows(Outstanding), Rows(Waiting)},
    lists:foreach(fun({Number, Event}) -> remove_outstanding(Tabs, Number, Event) end, Sent),
    lists:foreach(fun({Order, Event}) -> remove_waiting(Tabs, Order, Event) end, Unsent),
    {[Event || {_, Event} <- Sent], [Event || {_, Event} <- Unsent]}.

-spec dump(#tabs{}) -> {Outstanding :: [#event{}], Waiting :: [#event{}]}.
dump(#tabs{waiting = Waiting, outstanding = Outstanding}) ->
    {[Event || {_, Event} <- ets:tab2list(Outstanding)], [Event || {_, Event} <- ets:tab2list(Waiting)]}.

%% What was outstanding stays so, under a new number: collapsed, the service would not know it again.
-spec restore(#tabs{}, outstanding | waiting, #event{}) -> ok.
restore(Tabs, outstanding, Event) ->
    _ = insert_outstanding(Tabs, fit(Tabs, Event)),
    ok;
restore(Tabs, waiting, #event{kind = Kind} = Event) when ?is_journal(Kind) ->
    append(Tabs, Event);
restore(Tabs, waiting, Event) ->
    keep(Tabs, Event).

%%% Rows

remove_waiting(#tabs{waiting = Waiting, index = Index} = Tabs, Order, Event) ->
    ets:delete(Index, waiting_key(Event)),
    ets:delete(Waiting, Order),
    add_bytes(Tabs, -Event#event.size),
    ok.

remove_outstanding(#tabs{outstanding = Outstanding, index = Index} = Tabs, Number, Event) ->
    ets:delete(Index, outstanding_key(Event, Number)),
    ets:delete(Outstanding, Number),
    add_bytes(Tabs, -Event#event.size),
    ok.

waiting_key(#event{user = User, kind = Kind, resource = Resource}) ->
    {User, waiting, Kind, Resource}.

outstanding_key(#event{user = User}, Number) ->
    {User, outstanding, Number, <<>>}.

%% Before every index key of the user: numbers sort before atoms.
before(User) ->
    {User, 0, 0, 0}.

add_bytes(Tabs, Bytes) ->
    mod_xmpp_push_state:bump(Tabs, bytes, Bytes).
