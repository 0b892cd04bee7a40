%% One user's share of what is kept: so many missed messages outstanding, and so many more that wait. What waits beyond the
%% former is held back, out of the way of others, until one of the user's events is done.
-module(mod_xmpp_push_share).

-export([index_key/1, has_room/2, hold/3, let_go/2, eldest_beyond/2, eldest/1]).

-include("mod_xmpp_push.hrl").

%% An event that is held has another key in the table of those that wait: {held, User, Order}. Orders, being numbers, sort before.

%% The index key of an event that waits. Of those with the same key there is one.
-spec index_key(#event{}) -> tuple().
index_key(#event{user = User, kind = revoked, about = About}) -> {User, waiting, {revoked, About}, <<>>};
index_key(#event{user = User, kind = Kind, resource = Resource}) -> {User, waiting, Kind, Resource}.

%% Whether the user may have one more outstanding.
-spec has_room(#tabs{}, binary()) -> boolean().
has_room(Tabs, User) ->
    has_room(Tabs, User, {User, outstanding, 0, <<>>}, share(Tabs)).

has_room(_, _, _, 0) ->
    false;
has_room(#tabs{index = Index} = Tabs, User, Cursor, Left) ->
    case ets:next(Index, Cursor) of
        {User, outstanding, _, _} = Key -> has_room(Tabs, User, Key, Left - 1);
        _ -> true
    end.

%% Holds back an event that waits.
-spec hold(#tabs{}, pos_integer(), #event{}) -> ok.
hold(Tabs, Order, #event{user = User}) ->
    move(Tabs, Order, {held, User, Order}).

%% An event of the user is done: the eldest that is held waits in its old place again.
-spec let_go(#tabs{}, binary()) -> ok.
let_go(#tabs{waiting = Waiting} = Tabs, User) ->
    case ets:next(Waiting, {held, User, 0}) of
        {held, User, Order} = Key -> move(Tabs, Key, Order);
        _ -> ok
    end.

move(#tabs{waiting = Waiting, index = Index}, From, To) ->
    [{_, Event}] = ets:lookup(Waiting, From),
    ets:insert(Waiting, {To, Event}),
    ets:insert(Index, {index_key(Event), To}),
    ets:delete(Waiting, From),
    ok.

%% The key of the user's eldest event that waits, if there are more of them than the user may have.
-spec eldest_beyond(#tabs{}, binary()) -> {ok, order()} | none.
eldest_beyond(Tabs, User) ->
    Keys = keys(Tabs, User, {User, waiting, 0, <<>>}),
    case length(Keys) > share(Tabs) of
        true -> {ok, element(2, lists:min([{age(Key), Key} || Key <- Keys]))};
        false -> none
    end.

keys(#tabs{index = Index} = Tabs, User, Cursor) ->
    case ets:next(Index, Cursor) of
        {User, waiting, _, _} = Next -> [ets:lookup_element(Index, Next, 2) | keys(Tabs, User, Next)];
        _ -> []
    end.

age({held, _, Order}) -> Order;
age(Order) -> Order.

%% The key of the event that is dropped first when there are too many of all: those who have their share lose theirs first.
-spec eldest(#tabs{}) -> order() | '$end_of_table'.
eldest(#tabs{waiting = Waiting}) ->
    case ets:next(Waiting, {held, <<>>, 0}) of
        '$end_of_table' -> ets:first(Waiting);
        Key -> Key
    end.

share(Tabs) ->
    (mod_xmpp_push_state:get(Tabs, limits))#limits.per_user.
