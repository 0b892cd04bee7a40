%% One host's tables: their life, and the parts that hooks use directly.
-module(mod_xmpp_push_state).

-export([open/2, find/1, get/2, get/3, put/3, bump/2, bump/3]).
-export([offer/2, awake/1, take/1, is_idle/2]).
-export([hibernated/1, csi/2, session_ended/2, tidy_sessions/1, sessions/3]).

-include("mod_xmpp_push.hrl").

%% At most this many sessions are told of with an event.
-define(MAX_SESSIONS, 50).

%% Slots of #tabs.flags.
-define(POKED, 1).
-define(INBOX_BYTES, 2).

%%% Life

%% The host's tables, made when there are none. Called by the link's process, which owns them until it ends.
-spec open(binary(), atom()) -> #tabs{}.
open(Host, Proc) ->
    case find(Host) of
        undefined ->
            Tabs = create(Proc),
            persistent_term:put({?MODULE, ?LAYOUT, Host}, Tabs),
            Tabs;
        Tabs ->
            Tabs
    end.

-spec find(binary()) -> #tabs{} | undefined.
find(Host) ->
    case persistent_term:get({?MODULE, ?LAYOUT, Host}, undefined) of
        #tabs{meta = Meta} = Tabs ->
            case ets:info(Meta, type) of
                undefined -> undefined;
                _ -> Tabs
            end;
        _ ->
            undefined
    end.

create(Proc) ->
    Heir = {heir, application_master(), none},
    New = fun(Type, More) -> ets:new(?MODULE, [Type, public, Heir | More]) end,
    Shared = [{write_concurrency, true}],
    #tabs{proc = Proc,
          meta = New(set, [{read_concurrency, true}]),
          inbox = New(ordered_set, Shared),
          waiting = New(ordered_set, []),
          outstanding = New(ordered_set, []),
          index = New(ordered_set, []),
          users = New(set, [{read_concurrency, true}]),
          requests = New(ordered_set, Shared),
          in_flight = New(set, []),
          outcomes = New(ordered_set, []),
          sessions = New(set, Shared),
          flags = atomics:new(2, [{signed, true}])}.

%% A process that lives as long as ejabberd does. The group leader of whoever started the module is not
%% enough: from ejabberdctl that is a process of another node.
application_master() ->
    {group_leader, Pid} = process_info(whereis(ejabberd_sup), group_leader),
    Pid.

-spec get(#tabs{}, atom()) -> term().
get(Tabs, Key) ->
    ets:lookup_element(Tabs#tabs.meta, Key, 2).

-spec get(#tabs{}, atom(), term()) -> term().
get(#tabs{meta = Meta}, Key, Default) ->
    case ets:lookup(Meta, Key) of
        [{_, Value}] -> Value;
        [] -> Default
    end.

-spec put(#tabs{}, atom(), term()) -> true.
put(#tabs{meta = Meta}, Key, Value) ->
    ets:insert(Meta, {Key, Value}).

%% Counters start at 0; the value after the step is returned.
-spec bump(#tabs{}, atom()) -> integer().
bump(Tabs, Key) ->
    bump(Tabs, Key, 1).

-spec bump(#tabs{}, atom(), integer()) -> integer().
bump(#tabs{meta = Meta}, Key, Step) ->
    ets:update_counter(Meta, Key, Step, {Key, 0}).

%%% Inbox
%%
%% Hooks write here instead of to the process's mailbox: it is bounded, and outlives the process.

-spec offer(#tabs{}, item()) -> ok.
offer(#tabs{inbox = Inbox} = Tabs, Item) ->
    {MaxEntries, MaxBytes} = get(Tabs, limits),
    case ets:info(Inbox, size) < MaxEntries of
        true ->
            ets:insert(Inbox, {erlang:unique_integer([monotonic]), weigh(Tabs, Item, MaxBytes)}),
            poke(Tabs);
        false ->
            drop(Tabs, Item)
    end.

weigh(#tabs{flags = Flags}, #event{size = Size} = Event, MaxBytes) when Size > 0 ->
    case atomics:add_get(Flags, ?INBOX_BYTES, Size) =< MaxBytes of
        true ->
            Event;
        false ->
            atomics:sub(Flags, ?INBOX_BYTES, Size),
            Event#event{message = none, content = false, size = 0}
    end;
weigh(_, Item, _) ->
    Item.

%% The account's own life must not be missed, and is rare; that somebody is back may.
drop(#tabs{inbox = Inbox} = Tabs, #event{kind = Kind} = Event) when Kind == removed; Kind == created ->
    ets:insert(Inbox, {erlang:unique_integer([monotonic]), Event}),
    poke(Tabs);
drop(Tabs, #event{count = Count}) ->
    bump(Tabs, dropped, Count),
    ok;
drop(_, _) ->
    ok.

%% One message at a time is in the mailbox, however much is in the inbox.
poke(#tabs{flags = Flags, proc = Proc}) ->
    case atomics:exchange(Flags, ?POKED, 1) of
        0 ->
            case whereis(Proc) of
                undefined -> ok;
                Pid -> Pid ! inbox, ok
            end;
        1 ->
            ok
    end.

%% To be called before taking, so that what is offered from now on pokes again.
-spec awake(#tabs{}) -> ok.
awake(#tabs{flags = Flags}) ->
    atomics:put(Flags, ?POKED, 0).

-spec take(#tabs{}) -> {ok, item()} | empty.
take(#tabs{inbox = Inbox} = Tabs) ->
    case ets:first(Inbox) of
        '$end_of_table' ->
            empty;
        Order ->
            [{_, Item}] = ets:take(Inbox, Order),
            lighten(Tabs, Item),
            {ok, Item}
    end.

lighten(#tabs{flags = Flags}, #event{size = Size}) ->
    atomics:sub(Flags, ?INBOX_BYTES, Size);
lighten(_, _) ->
    ok.

%% Nothing is kept or on its way in for this user. The inbox is looked at first: what leaves it is indexed
%% before the next look.
-spec is_idle(#tabs{}, binary()) -> boolean().
is_idle(#tabs{inbox = Inbox} = Tabs, User) ->
    ets:info(Inbox, size) == 0 andalso not mod_xmpp_push_buffer:keeps(Tabs, User).

%%% Sessions
%%
%% ejabberd_sm knows neither hibernation (XEP-0198) nor client state (XEP-0352). The session's process tells
%% of itself; nobody else writes its row.

-spec hibernated(#tabs{}) -> true.
hibernated(#tabs{sessions = Sessions}) ->
    ets:insert(Sessions, {self(), true, csi_of(Sessions, self())}).

-spec csi(#tabs{}, active | inactive) -> true.
csi(#tabs{sessions = Sessions}, Csi) ->
    ets:insert(Sessions, {self(), false, Csi}).

%% ejabberd_sm lists it for a moment longer. What it lost must not be told with this session among the live ones:
%% then its row stays until it is tidied up.
-spec session_ended(#tabs{}, boolean()) -> true.
session_ended(#tabs{sessions = Sessions}, true) ->
    ets:insert(Sessions, {self(), ended, undefined});
session_ended(#tabs{sessions = Sessions}, false) ->
    ets:delete(Sessions, self()).

csi_of(Sessions, Pid) ->
    case ets:lookup(Sessions, Pid) of
        [{_, _, Csi}] -> Csi;
        [] -> undefined
    end.

%% A session that was killed has not said goodbye.
-spec tidy_sessions(#tabs{}) -> ok.
tidy_sessions(#tabs{sessions = Sessions}) ->
    Gone = [Pid || {Pid, _, _} <- ets:tab2list(Sessions), not is_process_alive(Pid)],
    lists:foreach(fun(Pid) -> ets:delete(Sessions, Pid) end, Gone).

%% {Resource, Priority, Hibernated, Csi} of each session the user has now.
-spec sessions(#tabs{}, binary(), binary()) ->
          [{binary(), integer() | undefined, boolean(), active | inactive | undefined}].
sessions(Tabs, User, Host) ->
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
