%% A command of the HTTP API that kills a process by its registered name.
-module(mod_test_killer).
-behaviour(gen_mod).

-export([start/2, stop/1, depends/2, mod_options/1, mod_doc/0]).
-export([kill/1]).

-include("ejabberd_commands.hrl").

start(_, _) ->
    ejabberd_commands:register_commands(commands()).

stop(_) ->
    ejabberd_commands:unregister_commands(commands()).

depends(_, _) -> [].
mod_options(_) -> [].
mod_doc() -> #{}.

commands() ->
    [#ejabberd_commands{name = kill_process, tags = [test], module = ?MODULE, function = kill,
                        args = [{name, string}], result = {res, rescode}}].

kill(Name) ->
    exit(whereis(list_to_existing_atom(Name)), kill),
    ok.
