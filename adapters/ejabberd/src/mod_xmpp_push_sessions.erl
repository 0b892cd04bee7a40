%% Keeps the facts about sessions that ejabberd_sm lacks: hibernation (XEP-0198), client state (XEP-0352), and whether push was
%% enabled. A session's own process writes the row with the first two, and no other process does.
-module(mod_xmpp_push_sessions).

-export([hibernated/1, csi/2, ended/2, tidy/1, of_user/3]).
-export([enabled/4, disabled/3, resumed/3, over/3]).

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
    lists:foreach(fun(Row) -> is_process_alive(process(Row)) orelse ets:delete(Sessions, element(1, Row)) end,
                  ets:tab2list(Sessions)).

process({{enabled, _, _}, Pid}) -> Pid;
process({Pid, _, _}) -> Pid.

%%% Push

%% The service has accepted what the session of this process asked for.
-spec enabled(#tabs{}, binary(), binary(), pid()) -> true.
enabled(#tabs{sessions = Sessions}, User, Resource, Pid) ->
    ets:insert(Sessions, {{enabled, User, Resource}, Pid}).

-spec disabled(#tabs{}, binary(), binary()) -> true.
disabled(#tabs{sessions = Sessions}, User, Resource) ->
    ets:delete(Sessions, {enabled, User, Resource}).

%% The session goes on in the calling process, not in the one before.
-spec resumed(#tabs{}, binary(), binary()) -> boolean().
resumed(#tabs{sessions = Sessions}, User, Resource) ->
    ets:update_element(Sessions, {enabled, User, Resource}, {2, self()}).

%% The session of the calling process is over. One of the same name may have taken its place.
-spec over(#tabs{}, binary(), binary()) -> true.
over(#tabs{sessions = Sessions}, User, Resource) ->
    ets:delete_object(Sessions, {{enabled, User, Resource}, self()}).

%%% For the service

%% Each session the user has now.
-spec of_user(#tabs{}, binary(), binary()) -> [#session{}].
of_user(Tabs, User, Host) ->
    Infos = lists:sublist(ejabberd_sm:get_user_info(User, Host), ?MAX_SESSIONS),
    lists:flatmap(fun({Resource, Info}) -> session(Tabs, User, Resource, Info) end, Infos).

session(#tabs{sessions = Sessions}, User, Resource, Info) ->
    Pid = proplists:get_value(pid, Info),
    Session = #session{resource = Resource,
                       priority = proplists:get_value(priority, Info),
                       enabled = ets:lookup(Sessions, {enabled, User, Resource}) == [{{enabled, User, Resource}, Pid}]},
    case ets:lookup(Sessions, Pid) of
        [{_, ended, _}] -> [];
        [{_, Hibernated, Csi}] -> [Session#session{hibernated = Hibernated, csi = Csi}];
        [] -> [Session]
    end.
