%% Several services that stand by for one component (docs/protocol.md, 7): which of them holds the lease.
-module(mod_xmpp_push_fence).

-export([admits/4]).

-include("logger.hrl").
-include("ejabberd_router.hrl").
-include("mod_xmpp_push.hrl").

%% Whether the service at Connection may say hello with this fence. One with a smaller fence than before has lost its
%% lease, and does not know it yet.
-spec admits(binary(), #tabs{}, pid(), non_neg_integer() | none) -> boolean().
admits(_, _, _, none) ->
    true;
admits(Host, #tabs{component = Component} = Tabs, Connection, Fence) ->
    case mod_xmpp_push_state:host_get(Tabs, {fence, Component}, 0) of
        Greatest when Fence < Greatest ->
            ?WARNING_MSG("mod_xmpp_push on ~ts: a hello of ~ts is ignored: it has lost its lease, its fence ~b being "
                         "smaller than ~b", [Host, Component, Fence, Greatest]),
            false;
        _ ->
            mod_xmpp_push_state:host_put(Tabs, {fence, Component}, Fence),
            close_others(Component, Connection),
            true
    end.

%% Whoever lost the lease may hang and keep its connection: ejabberd would go on dividing stanzas among both, and what the
%% other gets is lost.
close_others(Component, Own) ->
    {ok, Routes} = (ejabberd_router:get_backend()):find_routes(Component),
    lists:foreach(
      fun(#route{pid = Pid}) when is_pid(Pid), Pid /= Own ->
              %% At once: a process that waits for the other side to read ends later.
              ejabberd_router:unregister_route(Component, Pid),
              ejabberd_service:stop_async(Pid);
         (_) ->
              ok
      end, Routes).
