%% The bytes of the messages that are kept, and what gives when they are too many.
-module(mod_xmpp_push_weight).

-export([fit/2, without_message/1, add/2, recount/1]).

-include("mod_xmpp_push.hrl").

%% The event as it is to be kept, its bytes counted. Over the bytes, a wake-up stays without its message; those that are
%% deferred lose theirs first.
-spec fit(#tabs{}, #event{}) -> #event{}.
fit(Tabs, #event{size = Size} = Event) ->
    #limits{bytes = MaxBytes} = mod_xmpp_push_state:get(Tabs, limits),
    case Size =< MaxBytes andalso has_room(Tabs, MaxBytes - Size) of
        true -> add(Tabs, Size), Event;
        false -> without_message(Event)
    end.

has_room(Tabs, Max) ->
    mod_xmpp_push_state:get(Tabs, bytes, 0) =< Max orelse lighten(Tabs) andalso has_room(Tabs, Max).

%% Whether a deferred event had a message to lose: the eldest of them.
lighten(#tabs{deferred = Deferred, marks = Marks} = Tabs) ->
    case ets:next(Marks, {laden, 0}) of
        {laden, Key} = Mark ->
            ets:delete(Marks, Mark),
            [lose_message(Tabs, Key, Event) || {_, Event} <- ets:lookup(Deferred, Key)],
            true;
        _ ->
            false
    end.

lose_message(#tabs{deferred = Deferred} = Tabs, Key, #event{size = Size} = Event) ->
    ets:insert(Deferred, {Key, without_message(Event)}),
    add(Tabs, -Size).

-spec without_message(#event{}) -> #event{}.
without_message(Event) ->
    Event#event{message = none, content = false, size = 0}.

-spec add(#tabs{}, integer()) -> integer().
add(Tabs, Bytes) ->
    mod_xmpp_push_state:bump(Tabs, bytes, Bytes).

%% The bytes kept, counted anew: a crash may have left the counter behind.
-spec recount(#tabs{}) -> true.
recount(#tabs{waiting = Waiting, outstanding = Outstanding, deferred = Deferred} = Tabs) ->
    Sum = fun({_, #event{size = Size}}, Bytes) -> Bytes + Size end,
    Bytes = lists:foldl(fun(Table, Before) -> ets:foldl(Sum, Before, Table) end, 0, [Waiting, Outstanding, Deferred]),
    mod_xmpp_push_state:put(Tabs, bytes, Bytes).
