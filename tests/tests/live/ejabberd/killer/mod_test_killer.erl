%% Commands of the HTTP API: one kills a process by its registered name, one counts the tables of a name.
-module(mod_test_killer).
-behaviour(gen_mod).

-export([start/2, stop/1, depends/2, mod_options/1, mod_doc/0]).
-export([kill/1, count_tables/1]).

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
                        args = [{name, string}], result = {res, rescode}},
     #ejabberd_commands{name = count_tables, tags = [test], module = ?MODULE, function = count_tables,
                        args = [{name, string}], result = {res, integer}}].

kill(Name) ->
    exit(whereis(list_to_existing_atom(Name)), kill),
    ok.

count_tables(Name) ->
    Wanted = list_to_existing_atom(Name),
    length([Table || Table <- ets:all(), ets:info(Table, name) == Wanted]).
