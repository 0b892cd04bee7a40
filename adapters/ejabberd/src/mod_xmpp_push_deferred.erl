%% Events that wait for a push service (docs/protocol.md, 3.4): outside of the window, each with its recipients, until
%% they are acknowledged, are told again, or end. Never joined with what is new.
%% Written, as the buffer is, by the link's process alone, and while there is none, by whoever sets its tables up.
-module(mod_xmpp_push_deferred).

-export([defer/4, resume/2, ack/2, hello/2, next/1, take_ended/1]).
-export([back/3, void/2]).
-export([take_users/2, dump/2, restore/2]).

-include("mod_xmpp_push.hrl").

%% Numbers told to have ended in one stanza.
-define(PORTION, 500).

%% Marks: {due, Key} is to be told again; {laden, Key} has a message (mod_xmpp_push_weight). Of numbers that have ended,
%% {untold, Number} the service does not know, {told, Number} it was told and has not acknowledged, and {again, Number}
%% it is to be told for the last time, since a hello came in between.

%%% From the service

%% Into is the number of a deferred event that this one is to join, if there is one.
-spec defer(#tabs{}, pos_integer(), pos_integer() | none, [recipient()]) -> ok.
defer(Tabs, Number, Into, For) ->
    case mod_xmpp_push_buffer:find_outstanding(Tabs, Number) of
        none ->
            crossed(Tabs, Number);
        #event{kind = Kind} when ?is_journal(Kind) ->
            ok;
        #event{back = Back} = Event ->
            defer(Tabs, Number, Into, Event, lists:foldl(fun without/2, For, Back)),
            mod_xmpp_push_buffer:remove_outstanding(Tabs, Number, Event)
    end.

%% It is for nobody, or all of them were back before it was deferred.
defer(Tabs, Number, _, _, []) ->
    mark(Tabs, untold, Number);
defer(Tabs, Number, Into, Event, Left) ->
    keep(Tabs, {number, Number}, Event#event{was = none, for = Left, back = []}, Into /= none andalso {number, Into}).

keep(Tabs, Key, Event, false) ->
    insert(Tabs, Key, Event);
keep(Tabs, Key, #event{user = User} = Event, Into) ->
    case not is_marked(Tabs, due, Into) andalso find(Tabs, Into) of
        #event{user = User} = Other -> join(Tabs, Into, Other, Event);
        _ -> mark(Tabs, due, Key), insert(Tabs, Key, Event)
    end.

%% By its withdrawal, maybe: then no place in the window is kept for it any more.
crossed(#tabs{withdrawn = Withdrawn} = Tabs, Number) ->
    case ets:take(Withdrawn, Number) of
        [_] -> mark(Tabs, told, Number);
        [] -> ok
    end.

join(Tabs, Into, Old, New) ->
    Both = Old#event{count = Old#event.count + New#event.count,
                     first = min(Old#event.first, New#event.first),
                     last = max(Old#event.last, New#event.last),
                     keys = mod_xmpp_push_keys:join(Old#event.keys, New#event.keys),
                     for = New#event.for},
    #event{message = Message, content = Content, size = Size} = worthier(Old, New),
    mod_xmpp_push_weight:add(Tabs, -Old#event.size),
    insert(Tabs, Into, Both#event{message = Message, content = Content, size = Size}).

%% The newer message with a content, or the newer one. An event that was told before may be the elder.
worthier(#event{last = Last} = Old, #event{last = Newer} = New) when Newer >= Last -> worthiest(Old, New);
worthier(Old, New) -> worthiest(New, Old).

worthiest(Elder, #event{message = none}) -> Elder;
worthiest(#event{content = true} = Elder, #event{content = false}) -> Elder;
worthiest(_, Newer) -> Newer.

-spec resume(#tabs{}, [{non_neg_integer(), non_neg_integer()}]) -> ok.
resume(Tabs, Ranges) ->
    each(Tabs, Ranges, fun(Key, _) -> mark(Tabs, due, Key) end).

-spec ack(#tabs{}, [{non_neg_integer(), non_neg_integer()}]) -> ok.
ack(Tabs, Ranges) ->
    each(Tabs, Ranges, fun(Key, Event) -> remove(Tabs, Key, Event) end),
    lists:foreach(fun({From, To}) -> forget_told(Tabs, From - 1, To) end, Ranges).

each(Tabs, Ranges, Do) ->
    lists:foreach(fun({From, To}) -> each_from(Tabs, {number, From - 1}, {number, To}, Do) end, Ranges).

%% Ranges may name numbers that are not there; the walk is over those that are.
each_from(#tabs{deferred = Deferred} = Tabs, After, To, Do) ->
    case ets:next(Deferred, After) of
        {number, _} = Key when Key =< To ->
            Do(Key, find(Tabs, Key)),
            each_from(Tabs, Key, To, Do);
        _ ->
            ok
    end.

forget_told(Tabs, After, To) ->
    case next_marked(Tabs, told, After) of
        {ok, Number} when Number =< To ->
            unmark(Tabs, told, Number),
            forget_told(Tabs, Number, To);
        _ ->
            ok
    end.

%% Events that were deferred for another run of the service are due. Those that have ended are told once more.
-spec hello(#tabs{}, binary()) -> ok.
hello(#tabs{deferred = Deferred} = Tabs, Instance) ->
    mod_xmpp_push_state:get(Tabs, deferred_for, Instance) == Instance
        orelse lists:foreach(fun(Key) -> mark(Tabs, due, Key) end, ets:select(Deferred, [{{'$1', '_'}, [], ['$1']}])),
    mod_xmpp_push_state:put(Tabs, deferred_for, Instance),
    tell_again(Tabs, told),
    tell_again(Tabs, untold).

tell_again(Tabs, Mark) ->
    case next_marked(Tabs, Mark, 0) of
        {ok, Number} ->
            mark(Tabs, again, Number),
            unmark(Tabs, Mark, Number),
            tell_again(Tabs, Mark);
        none ->
            ok
    end.

%%% To the service

%% Returns the event to be told next, under its new number: new ones and due ones take turns.
-spec next(#tabs{}) -> {pos_integer(), #event{}} | none.
next(Tabs) ->
    case mod_xmpp_push_state:bump(Tabs, turn) rem 2 of
        0 -> either(Tabs, fun mod_xmpp_push_buffer:promote/1, fun promote/1);
        1 -> either(Tabs, fun promote/1, fun mod_xmpp_push_buffer:promote/1)
    end.

either(Tabs, First, Second) ->
    case First(Tabs) of
        none -> Second(Tabs);
        Promoted -> Promoted
    end.

promote(Tabs) ->
    case next_marked(Tabs, due, 0) of
        {ok, Key} -> promote(Tabs, Key, find(Tabs, Key));
        none -> none
    end.

promote(Tabs, Key, none) ->
    unmark(Tabs, due, Key),
    promote(Tabs);
promote(Tabs, Key, #event{size = Size} = Event) ->
    Again = known(Tabs, Key, Event),
    mod_xmpp_push_weight:add(Tabs, Size),
    Number = mod_xmpp_push_buffer:insert_outstanding(Tabs, Again),
    remove(Tabs, Key, Event),
    {Number, Again}.

%% Some numbers of what has ended, for telling them.
-spec take_ended(#tabs{}) -> [pos_integer()].
take_ended(Tabs) ->
    Again = take_marked(Tabs, again, ?PORTION),
    Untold = take_marked(Tabs, untold, ?PORTION - length(Again)),
    lists:foreach(fun(Number) -> mark(Tabs, told, Number) end, Untold),
    Untold == [] orelse bound_told(Tabs),
    Again ++ Untold.

take_marked(_, _, 0) ->
    [];
take_marked(Tabs, Mark, Left) ->
    case next_marked(Tabs, Mark, 0) of
        {ok, Number} -> unmark(Tabs, Mark, Number), [Number | take_marked(Tabs, Mark, Left - 1)];
        none -> []
    end.

%% Each deferred event has two marks at most. A service that acknowledges nothing shall not make them grow.
bound_told(#tabs{marks = Marks} = Tabs) ->
    case ets:info(Marks, size) > 4 * max_entries(Tabs) andalso next_marked(Tabs, told, 0) of
        {ok, Number} -> unmark(Tabs, told, Number), bound_told(Tabs);
        _ -> ok
    end.

%%% By user

%% A session takes messages again: its recipients need no notification, nor do those of whom it is not known where they are.
-spec back(#tabs{}, binary(), binary()) -> ok.
back(Tabs, User, Resource) ->
    lists:foreach(fun({Key, Event}) -> back(Tabs, Key, Resource, Event) end, rows(Tabs, User)),
    mod_xmpp_push_buffer:note_back(Tabs, User, Resource).

back(#tabs{deferred = Deferred} = Tabs, Key, Resource, #event{for = For} = Event) ->
    case without(Resource, For) of
        For -> ok;
        [] -> finish(Tabs, Key, Event);
        Left -> ets:insert(Deferred, {Key, Event#event{for = Left}}), mod_xmpp_push_state:changed(Tabs)
    end.

without(Resource, For) ->
    [Recipient || {_, R} = Recipient <- For, R /= Resource, R /= undefined].

-spec void(#tabs{}, binary()) -> ok.
void(Tabs, User) ->
    lists:foreach(fun({Key, Event}) -> finish(Tabs, Key, Event) end, rows(Tabs, User)).

%%% Over a restart of the server, and to another link

%% Takes out all of the users that Which names. To the service of this link they have ended.
-spec take_users(#tabs{}, fun((binary()) -> boolean())) -> [#event{}].
take_users(#tabs{deferred = Deferred} = Tabs, Which) ->
    Rows = [Row || {_, #event{user = User}} = Row <- ets:tab2list(Deferred), Which(User)],
    lists:foreach(fun({Key, Event}) -> finish(Tabs, Key, Event) end, Rows),
    [known(Tabs, Key, Event) || {Key, Event} <- Rows].

%% All of them, in order, as Form makes them: the messages are many.
-spec dump(#tabs{}, fun((#event{}) -> #event{})) -> [#event{}].
dump(#tabs{deferred = Deferred} = Tabs, Form) ->
    ets:foldr(fun({Key, Event}, Rest) -> [Form(known(Tabs, Key, Event)) | Rest] end, [], Deferred).

%% To be told again.
-spec restore(#tabs{}, #event{}) -> ok.
restore(Tabs, Event) ->
    Key = {former, mod_xmpp_push_state:bump(Tabs, former)},
    mark(Tabs, due, Key),
    Fitting = mod_xmpp_push_weight:fit(Tabs, Event),
    mod_xmpp_push_weight:add(Tabs, -Fitting#event.size),
    insert(Tabs, Key, Fitting).

%% The event with the number that the service knows it by.
known(Tabs, {number, Number}, Event) ->
    Event#event{was = {mod_xmpp_push_state:get(Tabs, epoch), Number}};
known(_, {former, _}, Event) ->
    Event.

%%% Rows

find(#tabs{deferred = Deferred}, Key) ->
    case ets:lookup(Deferred, Key) of
        [{_, Event}] -> Event;
        [] -> none
    end.

insert(#tabs{deferred = Deferred, index = Index} = Tabs, Key, #event{user = User, size = Size} = Event) ->
    ets:insert(Deferred, {Key, Event}),
    ets:insert(Index, {index_key(User, Key), Key}),
    Size > 0 andalso mark(Tabs, laden, Key),
    mod_xmpp_push_weight:add(Tabs, Size),
    mod_xmpp_push_state:changed(Tabs),
    bound(Tabs, keys(Tabs, User)).

remove(#tabs{deferred = Deferred, index = Index} = Tabs, Key, #event{user = User, size = Size}) ->
    ets:delete(Index, index_key(User, Key)),
    ets:delete(Deferred, Key),
    unmark(Tabs, due, Key),
    unmark(Tabs, laden, Key),
    mod_xmpp_push_weight:add(Tabs, -Size),
    mod_xmpp_push_state:changed(Tabs),
    ok.

%% Numbers of an earlier epoch mean nothing in this one.
finish(Tabs, {Age, Number} = Key, Event) ->
    Age == number andalso mark(Tabs, untold, Number),
    remove(Tabs, Key, Event).

%% The eldest go.
bound(#tabs{deferred = Deferred} = Tabs, Keys) ->
    #limits{deferred_per_user = MaxOfUser} = mod_xmpp_push_state:get(Tabs, limits),
    case {length(Keys) > MaxOfUser, ets:info(Deferred, size) > max_entries(Tabs)} of
        {true, _} -> drop(Tabs, hd(Keys)), bound(Tabs, tl(Keys));
        {_, true} -> drop(Tabs, ets:first(Deferred)), bound(Tabs, Keys);
        _ -> ok
    end.

drop(#tabs{deferred = Deferred} = Tabs, Key) ->
    lists:foreach(fun({_, #event{count = Count} = Event}) ->
                          mod_xmpp_push_state:bump(Tabs, dropped, Count),
                          finish(Tabs, Key, Event)
                  end, ets:lookup(Deferred, Key)).

max_entries(Tabs) ->
    (mod_xmpp_push_state:get(Tabs, limits))#limits.deferred.

%% The user's, the eldest first.
rows(#tabs{deferred = Deferred} = Tabs, User) ->
    lists:flatmap(fun(Key) -> ets:lookup(Deferred, Key) end, keys(Tabs, User)).

keys(Tabs, User) ->
    keys_after(Tabs, User, index_key(User, 0)).

keys_after(#tabs{index = Index} = Tabs, User, Cursor) ->
    case ets:next(Index, Cursor) of
        {User, deferred, Key, _} = Next -> [Key | keys_after(Tabs, User, Next)];
        _ -> []
    end.

%% Of the size of the buffer's keys, which are in the same table.
index_key(User, Key) ->
    {User, deferred, Key, <<>>}.

%%% Marks

mark(#tabs{marks = Marks}, Mark, Of) ->
    ets:insert(Marks, {{Mark, Of}}),
    ok.

unmark(#tabs{marks = Marks}, Mark, Of) ->
    ets:delete(Marks, {Mark, Of}),
    ok.

is_marked(#tabs{marks = Marks}, Mark, Of) ->
    ets:member(Marks, {Mark, Of}).

next_marked(#tabs{marks = Marks}, Mark, After) ->
    case ets:next(Marks, {Mark, After}) of
        {Mark, Of} -> {ok, Of};
        _ -> none
    end.
