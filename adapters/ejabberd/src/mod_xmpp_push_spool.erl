%% The buffer over an orderly restart of the server: one file per host, in the folder of Mnesia.
-module(mod_xmpp_push_spool).

-export([write/2, read/2]).

-include("logger.hrl").
-include("mod_xmpp_push.hrl").

-define(FORMAT, 1).

-spec write(binary(), #tabs{}) -> ok.
write(Host, Tabs) ->
    Kept = {mod_xmpp_push_state:get(Tabs, contents, []), mod_xmpp_push_buffer:dump(Tabs)},
    Name = name(Host),
    case replace(Name, term_to_binary({?FORMAT, ?LAYOUT, Kept})) of
        ok -> ok;
        {error, Reason} ->
            ?ERROR_MSG("mod_xmpp_push: missed messages of ~ts cannot be written to ~ts: ~ts; their push is lost",
                       [Host, Name, file:format_error(Reason)])
    end.

%% The messages are readable by the server alone.
replace(Name, Bytes) ->
    Part = Name ++ ".part",
    _ = file:delete(Part),
    Steps = [fun() -> file:write_file(Part, <<>>) end,
             fun() -> file:change_mode(Part, 8#600) end,
             fun() -> file:write_file(Part, Bytes, [sync]) end,
             fun() -> file:rename(Part, Name) end],
    lists:foldl(fun(Step, ok) -> Step(); (_, Error) -> Error end, ok, Steps).

-spec read(binary(), #tabs{}) -> ok.
read(Host, Tabs) ->
    Name = name(Host),
    case file:read_file(Name) of
        {ok, Bytes} ->
            restore(Name, Bytes, Tabs),
            _ = file:delete(Name),
            ok;
        {error, enoent} ->
            ok;
        {error, Reason} ->
            ?ERROR_MSG("mod_xmpp_push: ~ts cannot be read: ~ts", [Name, file:format_error(Reason)])
    end.

restore(Name, Bytes, Tabs) ->
    try binary_to_term(Bytes, [safe]) of
        {?FORMAT, ?LAYOUT, {Contents, Kept}} ->
            mod_xmpp_push_state:put(Tabs, contents, Contents),
            mod_xmpp_push_buffer:restore(Tabs, Kept);
        _ ->
            ?WARNING_MSG("mod_xmpp_push: ~ts is of another release and left out", [Name])
    catch
        error:badarg -> ?WARNING_MSG("mod_xmpp_push: ~ts is damaged and left out", [Name])
    end.

name(Host) ->
    filename:join(mnesia:system_info(directory), "xmpp_push_" ++ binary_to_list(Host) ++ ".missed").
