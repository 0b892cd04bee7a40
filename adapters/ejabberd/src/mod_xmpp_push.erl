%% Push notifications (XEP-0357) by the xmpp-push service: the module's life, its options, and the component.
%% What goes over the link is specified in docs/protocol.md.
-module(mod_xmpp_push).
-behaviour(gen_mod).

-export([start/2, stop/1, reload/3, depends/2, mod_options/1, mod_opt_type/1, options/1, mod_doc/0, pre_uninstall/0]).
-export([from_link/1, keep_local/1, features/5]).
-export([component_connected/1, component_disconnected/2, stopping/0, config_reloaded/0]).

-include("xmpp.hrl").
-include("logger.hrl").
-include("mod_xmpp_push.hrl").

-define(HELPERS, [mod_xmpp_push_anonymous, mod_xmpp_push_buffer, mod_xmpp_push_content, mod_xmpp_push_deferred,
                  mod_xmpp_push_feed, mod_xmpp_push_fence, mod_xmpp_push_fit, mod_xmpp_push_frame,
                  mod_xmpp_push_guard, mod_xmpp_push_hello, mod_xmpp_push_keys, mod_xmpp_push_link,
                  mod_xmpp_push_publish, mod_xmpp_push_request, mod_xmpp_push_reshard, mod_xmpp_push_sessions,
                  mod_xmpp_push_shards, mod_xmpp_push_share, mod_xmpp_push_spool, mod_xmpp_push_state, mod_xmpp_push_sup,
                  mod_xmpp_push_users, mod_xmpp_push_weight]).

%%% Life

%% Never an error, which would keep ejabberd from starting: where the adapter cannot work it stays inactive, until a
%% reload of the configuration or its next start finds that it can.
-spec start(binary(), gen_mod:opts()) -> ok.
start(Host, _Options) ->
    ejabberd_hooks:add(config_reloaded, ?MODULE, config_reloaded, 70),
    activate(Host).

activate(Host) ->
    try problem(Host) of
        none -> start_links(Host);
        Text -> inactive(Host, Text)
    catch
        Class:_:Stack ->
            {Module, Function, _, _} = hd(Stack),
            inactive(Host, io_lib:format("~ts in ~ts:~ts", [Class, Module, Function]))
    end.

inactive(Host, Text) ->
    ?ERROR_MSG("mod_xmpp_push on ~ts does not start, and nobody there gets push notifications: ~ts", [Host, Text]).

problem(Host) ->
    load_anew(),
    case code:ensure_modules_loaded(?HELPERS) of
        ok -> mod_xmpp_push_fit:problem(Host);
        {error, [{Module, _} | _]} ->
            io_lib:format("~ts is missing or does not load; compile mod_xmpp_push for this ejabberd, as its README says, "
                          "and start ejabberd again", [Module])
    end.

%% ejabberdctl restart_module loads this module anew from its file, and none of the others. All must be loaded:
%% gen_iq_handler decodes by itself for a module that is not, and the first request would be refused.
load_anew() ->
    lists:foreach(fun(Module) ->
                          code:purge(Module),
                          code:load_file(Module)
                  end, [Module || Module <- ?HELPERS, code:module_status(Module) == modified]).

%% The hooks come first: links ask the service for its hello at once.
start_links(Host) ->
    hook_up(Host),
    case mod_xmpp_push_sup:start(Host) of
        {ok, _} ->
            ok;
        {error, _} ->
            unhook(Host),
            inactive(Host, "its processes do not start; reports of the crash tell more")
    end.

hook_up(Host) ->
    lists:foreach(fun({Hook, Fun, Seq}) -> ejabberd_hooks:add(Hook, Host, ?MODULE, Fun, Seq) end, hooks()),
    lists:foreach(fun({Hook, Fun, Seq}) -> ejabberd_hooks:add(Hook, ?MODULE, Fun, Seq) end, global_hooks()),
    mod_xmpp_push_feed:start(Host),
    take_namespace(Host).

-spec stop(binary()) -> ok.
stop(Host) ->
    is_active(Host) andalso deactivate(Host),
    gen_mod:is_loaded_elsewhere(Host, ?MODULE) orelse
        lists:foreach(fun({Hook, Fun, Seq}) -> ejabberd_hooks:delete(Hook, ?MODULE, Fun, Seq) end,
                      [{config_reloaded, config_reloaded, 70} | global_hooks()]),
    ok.

deactivate(Host) ->
    unhook(Host),
    _ = mod_xmpp_push_sup:stop(Host),
    is_stopping(mod_xmpp_push_shards:find(Host)) andalso mod_xmpp_push_spool:write(Host).

unhook(Host) ->
    gen_iq_handler:remove_iq_handler(ejabberd_sm, Host, ?NS_PUSH_0),
    mod_xmpp_push_feed:stop(Host),
    lists:foreach(fun({Hook, Fun, Seq}) -> ejabberd_hooks:delete(Hook, Host, ?MODULE, Fun, Seq) end, hooks()).

%% While it is inactive, none of its other modules need be there.
is_active(Host) ->
    whereis(gen_mod:get_module_proc(Host, ?MODULE)) /= undefined.

-spec reload(binary(), gen_mod:opts(), gen_mod:opts()) -> ok.
reload(Host, New, Old) ->
    is_active(Host) andalso reload_active(Host, New, Old),
    ok.

reload_active(Host, New, Old) ->
    case mod_xmpp_push_shards:components(New) == mod_xmpp_push_shards:components(Old) of
        true -> lists:foreach(fun(Tabs) -> cast(Tabs, reload) end, mod_xmpp_push_shards:all(Host));
        false -> mod_xmpp_push_sup:restart(Host)
    end.

-spec depends(binary(), gen_mod:opts()) -> [{module(), hard | soft}].
depends(_, _) ->
    [].

%% ejabberdctl module_uninstall knows this module only.
-spec pre_uninstall() -> ok.
pre_uninstall() ->
    lists:foreach(fun(Host) -> gen_mod:is_loaded(Host, ?MODULE) andalso gen_mod:stop_module(Host, ?MODULE) end,
                  ejabberd_option:hosts()),
    lists:foreach(fun(Module) -> code:purge(Module), code:delete(Module) end, ?HELPERS).

hooks() ->
    [{local_send_to_resource_hook, from_link, 50},  % before ejabberd_local bounces at 100
     {s2s_send_packet, keep_local, 50},
     {disco_sm_features, features, 50}].

global_hooks() ->
    [{component_connected, component_connected, 50},
     {component_disconnected, component_disconnected, 50},
     {ejabberd_stopping, stopping, 50}].

%%% Options

-spec mod_opt_type(atom()) -> econf:validator().
mod_opt_type(component) -> one_or_more(econf:host());
mod_opt_type(request_timeout) -> econf:timeout(second);
mod_opt_type(max_in_flight) -> econf:pos_int();
mod_opt_type(max_in_flight_per_user) -> econf:either(auto, econf:pos_int());
mod_opt_type(buffer_entries) -> econf:pos_int();
mod_opt_type(buffer_entries_per_user) -> econf:pos_int();
mod_opt_type(buffer_bytes) -> econf:pos_int();
mod_opt_type(journal_entries) -> econf:pos_int();
mod_opt_type(max_deferred) -> econf:pos_int();
mod_opt_type(max_deferred_per_user) -> econf:pos_int();
mod_opt_type(deferred_interval) -> econf:timeout(second);
mod_opt_type(known_users) -> econf:pos_int();
mod_opt_type(portion) -> econf:pos_int().

%% Not econf:either: of a list with a mistake in it, that would complain that it is no host.
one_or_more(Validator) ->
    fun(List) when is_list(List) -> (econf:non_empty(econf:list(Validator, [unique])))(List);
       (One) -> Validator(One)
    end.

-spec mod_options(binary()) -> [{atom(), term()}].
mod_options(Host) ->
    [{component, <<"push.", Host/binary>>},
     {request_timeout, timer:seconds(30)},
     {max_in_flight, 2000},
     {max_in_flight_per_user, auto},
     {buffer_entries, 100000},
     {buffer_entries_per_user, 50},
     {buffer_bytes, 32 * 1024 * 1024},
     {journal_entries, 100000},
     {max_deferred, 10000},
     {max_deferred_per_user, 20},
     {deferred_interval, timer:minutes(1)},
     {known_users, 200000},
     {portion, 200}].

%% As they were set. ejabberdctl restart_module starts a new version with what the old one knew.
-spec options(binary()) -> gen_mod:opts().
options(Host) ->
    maps:merge(maps:from_list(mod_options(Host)), gen_mod:get_module_opts(Host, ?MODULE)).

-spec mod_doc() -> map().
mod_doc() ->
    #{desc =>
          <<"XEP-0357 push notifications by the xmpp-push service, which is connected as an external component "
            "(XEP-0114). Tells the service of missed messages and sends its notifications as this server. "
            "Not together with mod_push.">>,
      opts =>
          [option(component, "Host | [Host, ...]",
                  <<"The service's domain, or those of several services, among which the users are divided in the "
                    "order of this list. The default is 'push.@HOST@'.">>),
           option(request_timeout, "timeout()",
                  <<"How long a client waits for the service's answer to enable or disable. The default is 30 seconds.">>),
           option(max_in_flight, "pos_integer()",
                  <<"Notifications that wait for the answer of a push service at the same time. The default is 2000.">>),
           option(max_in_flight_per_user, "auto | pos_integer()",
                  <<"Those of one user. The default is 'auto': a tenth of the link's, at least 50.">>),
           option(buffer_entries, "pos_integer()",
                  <<"Missed messages kept for the service, collapsed per user, device and cause. The default is 100000.">>),
           option(buffer_entries_per_user, "pos_integer()",
                  <<"Those of one user: so many sent and not acknowledged, and so many more that wait. The default is 50.">>),
           option(buffer_bytes, "pos_integer()",
                  <<"Bytes of messages kept with them; over it, entries lose their message. The default is 33554432.">>),
           option(journal_entries, "pos_integer()",
                  <<"Accounts kept for the service that were made or removed while it was away. The default is 100000.">>),
           option(max_deferred, "pos_integer()",
                  <<"Missed messages kept for devices whose push service takes no notifications now. The default is 10000.">>),
           option(max_deferred_per_user, "pos_integer()", <<"Those of one user. The default is 20.">>),
           option(deferred_interval, "timeout()",
                  <<"How often these are written down, without their messages, if they have changed: a server that is "
                    "killed loses what is younger. The default is 1 minute.">>),
           option(known_users, "pos_integer()",
                  <<"Users remembered to have no registration. The default is 200000.">>),
           option(portion, "pos_integer()",
                  <<"Stanzas sent to the service in one turn. The default is 200.">>)]}.

option(Name, Value, Text) ->
    {Name, #{value => Value, desc => Text}}.

%%% The component

%% From C to HOST/xmpp-push. While the component is connected here, nobody else can send in its name.
-spec from_link(xmpp:stanza()) -> ok | stop.
from_link(#message{to = #jid{luser = <<>>, lserver = Host, lresource = ?LINK_RESOURCE},
                   from = #jid{luser = <<>>, lserver = Server, lresource = <<>>}} = Message) ->
    Link = mod_xmpp_push_shards:of_component(Host, Server),
    case Link /= undefined andalso ejabberd_router:is_my_route(Server) of
        true ->
            %% Runs in the connection's process.
            cast(Link, {frames, self(), mod_xmpp_push_frame:frames(Message)}),
            stop;
        false ->
            ok
    end;
from_link(_) ->
    ok.

%% Nothing of the link leaves by s2s, even when the component's route goes at the wrong moment.
-spec keep_local(xmpp:stanza()) -> xmpp:stanza() | drop.
keep_local(#message{from = #jid{luser = <<>>, lresource = ?LINK_RESOURCE}}) ->
    drop;
keep_local(Stanza) ->
    Stanza.

-spec component_connected(binary()) -> ok.
component_connected(Component) ->
    tell(Component, component_up).

-spec component_disconnected(binary(), binary()) -> ok.
component_disconnected(Component, _Reason) ->
    tell(Component, component_down).

%% Several hosts may name the same component.
tell(Component, Message) ->
    lists:foreach(fun(Host) -> cast(mod_xmpp_push_shards:of_component(Host, Component), Message) end, active_hosts()).

cast(undefined, _) -> ok;
cast(#tabs{proc = Proc}, Message) -> gen_server:cast(Proc, Message).

active_hosts() ->
    [Host || Host <- configured_hosts(), is_active(Host)].

configured_hosts() ->
    [Host || Host <- ejabberd_option:hosts(), gen_mod:is_loaded(Host, ?MODULE)].

%% Tells the end of the server from a restart of the module: the tables go with the server.
-spec stopping() -> ok.
stopping() ->
    lists:foreach(fun(Host) ->
                          Tabs = mod_xmpp_push_shards:find(Host),
                          Tabs /= undefined andalso mod_xmpp_push_state:host_put(Tabs, stopping, true)
                  end, active_hosts()).

is_stopping(undefined) -> false;
is_stopping(Tabs) -> mod_xmpp_push_state:host_get(Tabs, stopping, false).

%% ejabberd does not ask a running module whether it bears with a new one. A mod_push that was started has
%% taken the namespace, and one that was stopped has left it to nobody. Called after gen_mod (60) has reloaded the modules.
-spec config_reloaded() -> ok.
config_reloaded() ->
    lists:foreach(fun(Host) ->
                          case is_active(Host) of
                              true -> take_namespace(Host), complain(Host, mod_xmpp_push_fit:conflict(Host));
                              false -> activate(Host)
                          end
                  end, configured_hosts()).

complain(_, none) -> ok;
complain(Host, Text) -> ?ERROR_MSG("mod_xmpp_push on ~ts: ~ts", [Host, Text]).

take_namespace(Host) ->
    gen_iq_handler:add_iq_handler(ejabberd_sm, Host, ?NS_PUSH_0, mod_xmpp_push_request, process_iq).

%%% Disco

%% Only the account itself is told, and a guest has none.
-spec features(mod_disco:features_acc(), jid:jid(), jid:jid(), binary(), binary()) -> mod_disco:features_acc().
features(empty, From, To, Node, Lang) ->
    features({result, []}, From, To, Node, Lang);
features({result, Features}, #jid{luser = U, lserver = S}, #jid{luser = U, lserver = S}, <<>>, _) ->
    {result, [?NS_PUSH_0 || not mod_xmpp_push_anonymous:is_guest(U)] ++ Features};
features(Acc, _, _, _, _) ->
    Acc.
