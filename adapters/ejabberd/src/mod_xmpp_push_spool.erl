%% Keeps state over a restart of the server, in the folder of Mnesia: one file per host of all, written at an orderly
%% stop, and one of what is deferred, written every now and then, for a server that is killed.
-module(mod_xmpp_push_spool).

-export([write/1, save/1, read/2]).

-include("logger.hrl").
-include("mod_xmpp_push.hrl").

-define(FORMAT, 4).

%% What all links have, while none of them runs.
-spec write(binary()) -> ok.
write(Host) ->
    mod_xmpp_push_reshard:gather(Host),
    _ = write(name(Host, "missed"),
              [kept(Tabs, dump(Tabs), mod_xmpp_push_publish:dump(Tabs)) || Tabs <- mod_xmpp_push_shards:all(Host)]),
    ok.

kept(#tabs{component = Component} = Tabs, Events, Publishes) ->
    {Component, mod_xmpp_push_state:get(Tabs, contents, []), Events, Publishes}.

%% With what the link, ended too early, has not taken.
dump(Tabs) ->
    {Outstanding, Waiting} = mod_xmpp_push_buffer:dump(Tabs),
    {Outstanding, Waiting ++ [Event || #event{} = Event <- mod_xmpp_push_state:inbox(Tabs)],
     mod_xmpp_push_deferred:dump(Tabs, fun(Event) -> Event end)}.

%% Writes the deferred events if they have changed, in a process that may take its time. While one does, the next waits for its turn.
-spec save(binary()) -> ok.
save(Host) ->
    First = mod_xmpp_push_shards:find(Host),
    Last = mod_xmpp_push_state:host_get(First, saver, none),
    is_pid(Last) andalso is_process_alive(Last) orelse save(Host, First),
    ok.

save(Host, First) ->
    All = mod_xmpp_push_shards:all(Host),
    case [Tabs || Tabs <- All, mod_xmpp_push_state:take_changed(Tabs)] of
        [] -> ok;
        _ -> mod_xmpp_push_state:host_put(First, saver, spawn(fun() -> save_guarded(Host, All) end))
    end.

%% A failed write is tried again.
save_guarded(Host, All) ->
    Saved = mod_xmpp_push_guard:step(save, error, fun() -> save_now(Host, All) end),
    Saved == ok orelse lists:foreach(fun mod_xmpp_push_state:changed/1, All).

save_now(Host, All) ->
    Name = name(Host, "deferred"),
    case [{Tabs, Deferred} || Tabs <- All, Deferred <- [deferred_once(Tabs)], Deferred /= []] of
        [] -> _ = file:delete(Name), ok;
        Some -> write(Name, [kept(Tabs, {[], [], Deferred}, none) || {Tabs, Deferred} <- Some])
    end.

%% The events that are deferred, and those that were and are told again: these would be lost with the rest of the outstanding ones.
deferred_once(Tabs) ->
    Light = fun mod_xmpp_push_weight:without_message/1,
    mod_xmpp_push_buffer:dump_again(Tabs, Light) ++ mod_xmpp_push_deferred:dump(Tabs, Light).

write(Name, Kept) ->
    case replace(Name, term_to_binary({?FORMAT, ?LAYOUT, Kept})) of
        ok -> ok;
        {error, Reason} ->
            ?ERROR_MSG("mod_xmpp_push: missed messages cannot be written to ~ts: ~ts; a restart of the server loses "
                       "their push", [Name, file:format_error(Reason)]),
            error
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

%% For the links of now, whatever they were when it was written. What an orderly stop has left is the newest; if it cannot be
%% read, it hides nothing.
-spec read(binary(), [#tabs{}, ...]) -> ok.
read(Host, All) ->
    Missed = name(Host, "missed"),
    case read_file(Missed) of
        {ok, Kept} ->
            restore(Host, All, Kept),
            %% Before the other is gone.
            _ = save_now(Host, All),
            _ = file:delete(Missed),
            ok;
        none ->
            restore_deferred(Host, All)
    end.

restore_deferred(Host, All) ->
    case read_file(name(Host, "deferred")) of
        {ok, Kept} -> restore(Host, All, Kept);
        none -> ok
    end.

read_file(Name) ->
    case file:read_file(Name) of
        {ok, Bytes} -> kept_in(Name, Bytes);
        {error, enoent} -> none;
        {error, Reason} -> left_out(Name, ["cannot be read: ", file:format_error(Reason)])
    end.

kept_in(Name, Bytes) ->
    try binary_to_term(Bytes, [safe]) of
        {?FORMAT, ?LAYOUT, Kept} -> {ok, Kept};
        _ -> left_out(Name, "is of another release")
    catch
        error:badarg -> left_out(Name, "is damaged")
    end.

%% It stays where it is until the next one is written.
left_out(Name, Why) ->
    ?ERROR_MSG("mod_xmpp_push: ~ts ~ts; what it holds of missed messages is left out", [Name, Why]),
    none.

restore(Host, All, Kept) ->
    Wanted = lists:usort(lists:append([Contents || {_, Contents, _, _} <- Kept])),
    lists:foreach(fun(Tabs) -> mod_xmpp_push_state:put(Tabs, contents, Wanted) end, All),
    mod_xmpp_push_reshard:thaw(Host, mod_xmpp_push_shards:of_host(Host),
                               [{Component, Events} || {Component, _, Events, _} <- Kept]),
    lists:foreach(fun({Component, _, _, Publishes}) ->
                          restore_publishes(lists:keyfind(Component, #tabs.component, All), Publishes)
                  end, Kept).

%% They are the business of that service alone.
restore_publishes(false, _) -> ok;
restore_publishes(_, none) -> ok;
restore_publishes(Tabs, Publishes) -> mod_xmpp_push_publish:restore(Tabs, Publishes).

name(Host, Which) ->
    filename:join(mnesia:system_info(directory), "xmpp_push_" ++ binary_to_list(Host) ++ "." ++ Which).
