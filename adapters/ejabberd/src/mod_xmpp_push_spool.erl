%% The buffer over an orderly restart of the server: one file per host, in the folder of Mnesia.
-module(mod_xmpp_push_spool).

-export([write/1, read/2]).

-include("logger.hrl").
-include("mod_xmpp_push.hrl").

-define(FORMAT, 2).

%% What all links have, while none of them runs.
-spec write(binary()) -> ok.
write(Host) ->
    mod_xmpp_push_reshard:gather(Host),
    Kept = [{Component, mod_xmpp_push_state:get(Tabs, contents, []), dump(Tabs)}
            || #tabs{component = Component} = Tabs <- mod_xmpp_push_shards:all(Host)],
    Name = name(Host),
    case replace(Name, term_to_binary({?FORMAT, ?LAYOUT, Kept})) of
        ok -> ok;
        {error, Reason} ->
            ?ERROR_MSG("mod_xmpp_push: missed messages of ~ts cannot be written to ~ts: ~ts; their push is lost",
                       [Host, Name, file:format_error(Reason)])
    end.

%% With what the link, ended too early, has not taken.
dump(Tabs) ->
    {Outstanding, Waiting} = mod_xmpp_push_buffer:dump(Tabs),
    {Outstanding, Waiting ++ [Event || #event{} = Event <- mod_xmpp_push_state:inbox(Tabs)]}.

%% The messages are readable by the server alone.
replace(Name, Bytes) ->
    Part = Name ++ ".part",
    _ = file:delete(Part),
    Steps = [fun() -> file:write_file(Part, <<>>) end,
             fun() -> file:change_mode(Part, 8#600) end,
             fun() -> file:write_file(Part, Bytes, [sync]) end,
             fun() -> file:rename(Part, Name) end],
    lists:foldl(fun(Step, ok) -> Step(); (_, Error) -> Error end, ok, Steps).

%% For the links of now, whatever they were when it was written.
-spec read(binary(), [#tabs{}, ...]) -> ok.
read(Host, All) ->
    Name = name(Host),
    case file:read_file(Name) of
        {ok, Bytes} ->
            restore(Host, All, kept(Name, Bytes)),
            _ = file:delete(Name),
            ok;
        {error, enoent} ->
            ok;
        {error, Reason} ->
            ?ERROR_MSG("mod_xmpp_push: ~ts cannot be read: ~ts", [Name, file:format_error(Reason)])
    end.

kept(Name, Bytes) ->
    try binary_to_term(Bytes, [safe]) of
        {?FORMAT, ?LAYOUT, Kept} ->
            Kept;
        _ ->
            ?WARNING_MSG("mod_xmpp_push: ~ts is of another release and left out", [Name]),
            []
    catch
        error:badarg ->
            ?WARNING_MSG("mod_xmpp_push: ~ts is damaged and left out", [Name]),
            []
    end.

restore(Host, All, Kept) ->
    Wanted = lists:usort(lists:append([Contents || {_, Contents, _} <- Kept])),
    lists:foreach(fun(Tabs) -> mod_xmpp_push_state:put(Tabs, contents, Wanted) end, All),
    mod_xmpp_push_reshard:thaw(Host, mod_xmpp_push_shards:of_host(Host),
                               [{Component, Events} || {Component, _, Events} <- Kept]).

name(Host) ->
    filename:join(mnesia:system_info(directory), "xmpp_push_" ++ binary_to_list(Host) ++ ".missed").
