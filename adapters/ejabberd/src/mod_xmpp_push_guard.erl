%% Failing without harm, and without telling. ejabberd would log a crashed hook with its arguments and a
%% crashed process with its messages and state: bodies and secrets. Here only the place is logged.
-module(mod_xmpp_push_guard).

-export([effect/3, step/3]).

-include("logger.hrl").

%% Runs Body for its effect; Acc is the result, come what may. For hooks.
-spec effect(atom(), Acc, fun(() -> term())) -> Acc.
effect(What, Acc, Body) ->
    step(What, Acc, fun() -> _ = Body(), Acc end).

%% The result of Body, or Acc when it fails. Also for the link's process: after ten failures in a second
%% ejabberd's supervisor of modules would give up, and the server with it.
-spec step(atom(), Acc, fun(() -> Acc)) -> Acc.
step(What, Acc, Body) ->
    try
        Body()
    catch
        Class:_:Stack ->
            ?ERROR_MSG("mod_xmpp_push: ~ts while handling ~ts, at ~0p", [Class, What, place(Stack)]),
            Acc
    end.

%% Function and line; the arguments that some errors carry are left out.
place([{Module, Function, Args, Where} | _]) when is_list(Args) ->
    {Module, Function, length(Args), proplists:get_value(line, Where)};
place([{Module, Function, Arity, Where} | _]) ->
    {Module, Function, Arity, proplists:get_value(line, Where)};
place([]) ->
    unknown.
