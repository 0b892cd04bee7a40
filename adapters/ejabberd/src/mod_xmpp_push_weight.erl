%% The bytes of the messages that are kept, and what gives when they are too many.
-module(mod_xmpp_push_weight).

-export([fit/2, add/2, recount/1]).

-include("mod_xmpp_push.hrl").

%% The event as it is to be kept, its bytes counted. Over the bytes, a wake-up stays without its message.
-spec fit(#tabs{}, #event{}) -> #event{}.
fit(Tabs, #event{size = Size} = Event) ->
    #limits{bytes = MaxBytes} = mod_xmpp_push_state:get(Tabs, limits),
    case mod_xmpp_push_state:get(Tabs, bytes, 0) + Size =< MaxBytes of
        true ->
            add(Tabs, Size),
            Event;
        false ->
            Event#event{message = none, content = false, size = 0}
    end.

-spec add(#tabs{}, integer()) -> integer().
add(Tabs, Bytes) ->
    mod_xmpp_push_state:bump(Tabs, bytes, Bytes).

%% The bytes kept, counted anew: a crash may have left the counter behind.
-spec recount(#tabs{}) -> true.
recount(#tabs{waiting = Waiting, outstanding = Outstanding} = Tabs) ->
    Sum = fun({_, #event{size = Size}}, Bytes) -> Bytes + Size end,
    mod_xmpp_push_state:put(Tabs, bytes, ets:foldl(Sum, ets:foldl(Sum, 0, Waiting), Outstanding)).
