%% What ejabberd_sm does not know of sessions: hibernation (XEP-0198) and client state (XEP-0352). A session's process
%% tells of itself; nobody else writes its row.
-module(mod_xmpp_push_sessions).

-export([hibernated/1, csi/2, ended/2, tidy/1, of_user/3]).

-include("mod_xmpp_push.hrl").

%% At most this many sessions are told of with an event.
-define(MAX_SESSIONS, 50).

-spec hibernated(#tabs{}) -> true.
hibernated(#tabs{sessions = Sessions}) ->
    ets:insert(Sessions, {self(), true, csi_of(Sessions, self())}).

-spec csi(#tabs{}, active | inactive) -> true.
csi(#tabs{sessions = Sessions}, Csi) ->
    ets:insert(Sessions, {self(), false, Csi}).

%% ejabberd_sm lists it for a moment longer. What it lost must not be told with this session among the live ones:
%% then its row stays until it is tidied up.
-spec ended(#tabs{}, boolean()) -> true.
ended(#tabs{sessions = Sessions}, true) ->
    ets:insert(Sessions, {self(), ended, undefined});
ended(#tabs{sessions = Sessions}, false) ->
    ets:delete(Sessions, self()).

csi_of(Sessions, Pid) ->
    case ets:lookup(Sessions, Pid) of
        [{_, _, Csi}] -> Csi;
        [] -> undefined
    end.

%% A session that was killed has not said goodbye.
-spec tidy(#tabs{}) -> ok.
tidy(#tabs{sessions = Sessions}) ->
    Gone = [Pid || {Pid, _, _} <- ets:tab2list(Sessions), not is_process_alive(Pid)],
    lists:foreach(fun(Pid) -> ets:delete(Sessions, Pid) end, Gone).

%% {Resource, Priority, Hibernated, Csi} of each session the user has now.
-spec of_user(#tabs{}, binary(), binary()) ->
          [{binary(), integer() | undefined, boolean(), active | inactive | undefined}].
of_user(Tabs, User, Host) ->
    Infos = lists:sublist(ejabberd_sm:get_user_info(User, Host), ?MAX_SESSIONS),
    Sessions = [session(Tabs, Resource, Info) || {Resource, Info} <- Infos],
    [Session || {_, _, Hibernated, _} = Session <- Sessions, Hibernated /= ended].

session(#tabs{sessions = Sessions}, Resource, Info) ->
    Pid = proplists:get_value(pid, Info),
    Priority = proplists:get_value(priority, Info),
    case ets:lookup(Sessions, Pid) of
        [{_, Hibernated, Csi}] -> {Resource, Priority, Hibernated, Csi};
        [] -> {Resource, Priority, false, undefined}
    end.
