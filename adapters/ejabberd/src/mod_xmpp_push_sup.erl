%% The supervisor of one host's links: one that crashes comes back with its tables, and the others notice nothing.
-module(mod_xmpp_push_sup).
-behaviour(supervisor).

-export([start/1, stop/1, restart/1]).
-export([start_link/2, init/1]).

-include("mod_xmpp_push.hrl").

%% Crashes of a host's links within so many seconds, until all of them are started anew.
-define(INTENSITY, 10).
-define(PERIOD, 10).

%% How long a link may take to put away what it was told; milliseconds.
-define(SHUTDOWN, 60000).

%% Permanent, since a supervisor that gives up ends with a reason that counts as regular.
-spec start(binary()) -> {ok, pid()} | {error, term()}.
start(Host) ->
    Name = name(Host),
    supervisor:start_child(ejabberd_gen_mod_sup,
                           #{id => Name, start => {?MODULE, start_link, [Name, Host]}, restart => permanent,
                             type => supervisor}).

-spec stop(binary()) -> ok | {error, term()}.
stop(Host) ->
    gen_mod:stop_child(mod_xmpp_push, Host).

%% With the tables that the present list of components asks for.
-spec restart(binary()) -> ok.
restart(Host) ->
    ok = supervisor:terminate_child(ejabberd_gen_mod_sup, name(Host)),
    {ok, _} = supervisor:restart_child(ejabberd_gen_mod_sup, name(Host)),
    ok.

name(Host) ->
    gen_mod:get_module_proc(Host, mod_xmpp_push).

-spec start_link(atom(), binary()) -> {ok, pid()} | {error, term()}.
start_link(Name, Host) ->
    supervisor:start_link({local, Name}, ?MODULE, Host).

%% The options of now, and not those of the module's start: also a supervisor that crashed comes by here.
-spec init(binary()) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init(Host) ->
    lists:foreach(fun await_end/1, mod_xmpp_push_shards:all(Host)),
    All = mod_xmpp_push_shards:open(Host, mod_xmpp_push:options(Host)),
    {ok, {#{strategy => one_for_one, intensity => ?INTENSITY, period => ?PERIOD},
          [child(Host, Tabs) || Tabs <- All]}}.

%% A supervisor that was killed has left links that are about to end, and still write.
await_end(#tabs{proc = Proc}) ->
    case whereis(Proc) of
        undefined -> ok;
        Pid -> await_end(Pid, monitor(process, Pid))
    end.

await_end(Pid, Ref) ->
    receive
        {'DOWN', Ref, process, Pid, _} -> ok
    after ?SHUTDOWN ->
        exit(Pid, kill),
        receive {'DOWN', Ref, process, Pid, _} -> ok end
    end.

child(Host, #tabs{component = Component}) ->
    #{id => Component, start => {mod_xmpp_push_link, start_link, [Host, Component]},
      shutdown => ?SHUTDOWN}.
