%% The change of a host's list of components: what is kept of a user goes to the link that serves them now.
-module(mod_xmpp_push_reshard).

-export([move/3, thaw/3, retire/2, gather/1]).

-include("logger.hrl").
-include("mod_xmpp_push.hrl").

%% How long a hook may take from finding the tables to writing into them; milliseconds.
-define(GRACE, 60000).

-type kept() :: {Outstanding :: [#event{}], Waiting :: [#event{}], Deferred :: [#event{}]}.

-export_type([kept/0]).

%% Done while no link runs, before the hooks see the new tables. A link whose component stays listed has its
%% numbers and publishes still, and what is kept of users it goes on to serve.
-spec move(binary(), [#tabs{}], mod_xmpp_push_shards:shards()) -> ok.
move(Host, Old, Shards) ->
    Moving = [{Component, take_users(Tabs, moves(Host, Component, Shards))} || #tabs{component = Component} = Tabs <- Old],
    thaw(Host, Shards, Moving),
    lists:foreach(fun leave/1, Old),
    collect(Host, Old, Shards),
    ?INFO_MSG("mod_xmpp_push on ~ts: the list of components has changed; of what is kept, ~b went to another link",
              [Host, lists:sum([length(Kept) || {_, Places} <- Moving, Kept <- tuple_to_list(Places)])]).

take_users(Tabs, Which) ->
    {Outstanding, Waiting} = mod_xmpp_push_buffer:take_users(Tabs, Which),
    {Outstanding, Waiting, mod_xmpp_push_deferred:take_users(Tabs, Which)}.

moves(Host, Component, Shards) ->
    fun(User) -> (mod_xmpp_push_shards:pick(User, Host, Shards))#tabs.component /= Component end.

%% What a service says of a user or answers them holds only while it is the one that serves them.
leave(Tabs) ->
    mod_xmpp_push_users:forget(Tabs),
    mod_xmpp_push_request:abandon(Tabs).

%% Puts down what was kept for each of these components. A service knows only its own events again; to another
%% they are new, and wait, lest it gets more than its window.
-spec thaw(binary(), mod_xmpp_push_shards:shards(), [{binary(), kept()}]) -> ok.
thaw(Host, Shards, Kept) ->
    Put = fun(Component, Place) ->
                  fun(#event{user = User} = Event) ->
                          Tabs = mod_xmpp_push_shards:pick(User, Host, Shards),
                          put_down(Tabs, place(Place, Tabs#tabs.component == Component, Event), Event)
                  end
          end,
    lists:foreach(fun({Component, {Outstanding, Waiting, Deferred}}) ->
                          lists:foreach(Put(Component, outstanding), Outstanding),
                          lists:foreach(Put(Component, waiting), Waiting),
                          lists:foreach(Put(Component, deferred), Deferred)
                  end, Kept).

%% An event that was deferred once keeps its recipients.
place(outstanding, false, #event{for = []}) -> waiting;
place(outstanding, false, _) -> deferred;
place(Place, _, _) -> Place.

put_down(Tabs, deferred, Event) -> mod_xmpp_push_deferred:restore(Tabs, Event);
put_down(Tabs, Place, Event) -> mod_xmpp_push_buffer:restore(Tabs, Place, Event).

%%% Afterwards
%%
%% A hook that found the old tables may be about to write into them. They are kept for a while, and looked
%% into.

-spec retire(binary(), [#tabs{}]) -> ok.
retire(Host, Old) ->
    Now = erlang:monotonic_time(millisecond),
    First = mod_xmpp_push_shards:find(Host),
    mod_xmpp_push_state:host_put(First, retired, [{Now, Tabs} || Tabs <- Old] ++ retired(First)),
    gather(Host).

retired(Tabs) ->
    mod_xmpp_push_state:host_get(Tabs, retired, []).

%% Fetches what was left in retired tables, and removes those whose time is over.
-spec gather(binary()) -> ok.
gather(Host) ->
    First = mod_xmpp_push_shards:find(Host),
    case retired(First) of
        [] -> ok;
        Retired -> gather(Host, First, Retired)
    end.

gather(Host, First, Retired) ->
    All = mod_xmpp_push_shards:all(Host),
    Former = [Tabs || {_, Tabs} <- Retired],
    collect(Host, Former, mod_xmpp_push_shards:of_host(Host)),
    lists:foreach(fun(Tabs) -> is_in_use(Tabs, All) orelse mod_xmpp_push_request:abandon(Tabs) end, Former),
    Over = erlang:monotonic_time(millisecond) - ?GRACE,
    {Young, Aged} = lists:partition(fun({Since, _}) -> Since > Over end, Retired),
    Aged == [] orelse mod_xmpp_push_state:host_put(First, retired, Young),
    mod_xmpp_push_state:delete([Tabs || {_, Tabs} <- Aged], All ++ [Tabs || {_, Tabs} <- Young]).

%% All of them but the inbox: the component is still listed.
is_in_use(#tabs{meta = Meta}, All) ->
    lists:keymember(Meta, #tabs.meta, All).

%% Under its old key an item takes its place among those that came since.
collect(Host, From, Shards) ->
    lists:foreach(fun(Tabs) -> mod_xmpp_push_state:hand_over(Tabs, target(Host, Shards)) end, From).

target(Host, Shards) ->
    fun(#event{user = User}) -> mod_xmpp_push_shards:pick(User, Host, Shards);
       ({_, User, _}) -> mod_xmpp_push_shards:pick(User, Host, Shards)
    end.
