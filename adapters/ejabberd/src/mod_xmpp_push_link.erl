%% The process of a link, one for each component of a host: attaches, sends in order and in portions, and takes
%% what the service says. What must outlive it is in mod_xmpp_push_state's tables.
-module(mod_xmpp_push_link).
-behaviour(gen_server).

-export([start_link/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2, format_status/1]).

-include("xmpp.hrl").
-include("logger.hrl").
-include("mod_xmpp_push.hrl").

%% How often deadlines are looked at, and how often sessions that left without a word; milliseconds.
-define(SWEEP, 1000).
-define(TIDY, 600000).

%% Stanzas sent for each item taken: its own, and one of those before it.
-define(CATCH_UP, 2).

-record(state,
        {host :: binary(),
         tabs :: #tabs{},
         options :: gen_mod:opts(),
         %% Of the component: where the latest frame came from.
         connection :: pid() | undefined,
         %% leaving: after <bye/>, takes outcomes only.
         attached = false :: boolean() | leaving,
         window = 0 :: non_neg_integer(),
         %% Number up to which the outstanding events were sent again on this attachment.
         resent = done :: non_neg_integer() | done,
         %% The version of a hello that was ignored: logged once.
         refused :: undefined | none | non_neg_integer(),
         %% A pump message is on its way.
         pumping = false :: boolean()}).

%%% gen_server

-spec start_link(binary(), binary()) -> {ok, pid()} | {error, term()}.
start_link(Host, Component) ->
    #tabs{proc = Proc} = Tabs = mod_xmpp_push_shards:of_component(Host, Component),
    gen_server:start_link({local, Proc}, ?MODULE, {Host, Tabs}, ejabberd_config:fsm_limit_opts([])).

init({Host, Tabs}) ->
    process_flag(trap_exit, true),
    mod_xmpp_push_state:put(Tabs, attached, false),
    S = #state{host = Host, tabs = Tabs, options = options(Host)},
    mod_xmpp_push_weight:recount(Tabs),
    self() ! inbox,
    erlang:send_after(?SWEEP, self(), sweep),
    erlang:send_after(?TIDY, self(), tidy),
    save_later(S),
    knock(S),
    {ok, S}.

handle_call(_, _, S) ->
    {reply, ok, S}.

handle_cast(Message, S) ->
    {noreply, mod_xmpp_push_guard:step(link_cast, S, fun() -> cast(Message, S) end)}.

handle_info(Message, S) ->
    {noreply, mod_xmpp_push_guard:step(link_info, S, fun() -> info(Message, S) end)}.

%% The tables stay.
terminate(_, S) ->
    mod_xmpp_push_guard:effect(link_end, ok, fun() -> drain(infinity, detach("the link stops", S)) end).

%% Neither messages nor the state are for the log.
format_status(Status) ->
    maps:map(fun(Key, _) when Key == state; Key == message; Key == log -> hidden;
                (_, Value) -> Value
             end, Status).

%%% What happens

cast({frames, Connection, Frames}, S) ->
    lists:foldl(fun frame/2, S#state{connection = Connection}, Frames);
%% A connection that is new has not said hello, whatever one before it said.
cast(component_up, S) ->
    knock(detach("it has connected anew", S));
%% With a second connection of the component, the first may go.
cast(component_down, S) ->
    case is_connected(S) of
        true -> S;
        false -> detach("it is not connected", S)
    end;
cast(reload, #state{host = Host, tabs = Tabs} = S) ->
    mod_xmpp_push_state:limit(Tabs, options(Host)),
    S#state{options = options(Host)};
cast(_, S) ->
    S.

info(inbox, #state{tabs = Tabs} = S) ->
    mod_xmpp_push_state:awake(Tabs),
    pump(drain(portion(S), S));
info(pump, S) ->
    pump(S#state{pumping = false});
info({iq_reply, Reply, Publish}, #state{tabs = Tabs} = S) ->
    mod_xmpp_push_publish:replied(Tabs, Reply, Publish),
    pump(S);
info(sweep, #state{tabs = Tabs} = S) ->
    erlang:send_after(?SWEEP, self(), sweep),
    Now = erlang:monotonic_time(millisecond),
    mod_xmpp_push_request:expire(Tabs, Now),
    mod_xmpp_push_publish:sweep(Tabs, Now),
    is_first(S) andalso mod_xmpp_push_reshard:gather(S#state.host),
    info(inbox, S);
info(tidy, #state{tabs = Tabs} = S) ->
    erlang:send_after(?TIDY, self(), tidy),
    is_first(S) andalso mod_xmpp_push_sessions:tidy(Tabs),
    S;
info(save, S) ->
    save_later(S),
    is_first(S) andalso mod_xmpp_push_spool:save(S#state.host),
    S;
info(_, S) ->
    S.

save_later(#state{options = #{deferred_interval := Interval}}) ->
    erlang:send_after(Interval, self(), save).

%% One link does what there is to do for the host.
is_first(#state{host = Host, tabs = #tabs{component = Component}}) ->
    (mod_xmpp_push_shards:find(Host))#tabs.component == Component.

options(Host) ->
    mod_xmpp_push:options(Host).

component(#state{tabs = #tabs{component = Component}}) -> Component.

portion(#state{options = #{portion := Portion}}) -> Portion.

%%% The component

is_connected(S) ->
    ejabberd_router:is_my_route(component(S)).

knock(S) ->
    send(mod_xmpp_push_frame:knock(), S).

%% Each change is logged, once: after a bye the service is gone already.
detach(Why, #state{attached = Attached, tabs = Tabs} = S) ->
    Attached == true andalso
        ?INFO_MSG("mod_xmpp_push on ~ts: detached from ~ts: ~ts", [S#state.host, component(S), Why]),
    mod_xmpp_push_state:put(Tabs, attached, false),
    S#state{attached = false, resent = done}.

attach(Window, #state{attached = Attached, tabs = Tabs} = S) ->
    Attached == true orelse ?INFO_MSG("mod_xmpp_push on ~ts: attached to ~ts", [S#state.host, component(S)]),
    #limits{entries = Entries} = mod_xmpp_push_state:get(Tabs, limits),
    mod_xmpp_push_state:put(Tabs, attached, true),
    S#state{attached = true, resent = 0, refused = undefined, window = max(1, min(Window, Entries))}.

%% Without a route the message would leave by s2s: so asks before each, and mod_xmpp_push:keep_local/1
%% catches the one whose route goes between this question and its routing.
send(El, #state{host = Host} = S) ->
    case is_connected(S) of
        true ->
            From = jid:make(<<>>, Host, ?LINK_RESOURCE),
            ejabberd_router:route(#message{from = From, to = jid:make(component(S)), sub_els = [El]}),
            S;
        false ->
            detach("it is not connected", S)
    end.

%%% From the service

frame(#xmlel{name = Name} = El, S) ->
    mod_xmpp_push_guard:step(link_frame, S, fun() -> frame(Name, El, S) end).

frame(<<"hello">>, El, S) ->
    case mod_xmpp_push_frame:number(<<"version">>, El) of
        ?LINK_VERSION -> hello_unless_fenced_off(El, S);
        Version -> refuse(Version, S)
    end;
frame(<<"ping">>, _, #state{attached = true} = S) ->
    send(mod_xmpp_push_frame:pong(), S);
frame(<<"ping">>, _, S) ->
    knock(send(mod_xmpp_push_frame:pong(), S));
frame(<<"bye">>, _, #state{attached = true} = S) ->
    (detach("it stops", S))#state{attached = leaving};
frame(Name, El, #state{tabs = Tabs} = S) when Name == <<"ack">>; Name == <<"defer">>; Name == <<"resume">> ->
    mod_xmpp_push_frame:attr(<<"session">>, El) == session(S) andalso settle(Name, El, Tabs),
    pump(S);
frame(<<"users">>, El, #state{attached = true, tabs = Tabs} = S) ->
    mod_xmpp_push_users:statements(Tabs, El),
    pump(S);
frame(<<"publish">>, El, #state{attached = true, host = Host, tabs = Tabs, options = Options} = S) ->
    mod_xmpp_push_publish:relay(Tabs, Host, Options, El),
    pump(S);
frame(<<"answer">>, El, #state{tabs = Tabs} = S) ->
    mod_xmpp_push_request:answer(Tabs, El),
    S;
frame(_, _, S) ->
    S.

%% Handles the service's elements about events: acknowledgements, deferrals, resumptions.
settle(<<"ack">>, El, Tabs) ->
    Ranges = mod_xmpp_push_frame:ranges(fxml:get_tag_cdata(El)),
    mod_xmpp_push_buffer:ack(Tabs, Ranges),
    mod_xmpp_push_deferred:ack(Tabs, Ranges);
settle(<<"defer">>, El, Tabs) ->
    mod_xmpp_push_deferred:defer(Tabs, mod_xmpp_push_frame:number(<<"n">>, El),
                                 mod_xmpp_push_frame:number(<<"into">>, El), mod_xmpp_push_frame:recipients(El));
settle(<<"resume">>, El, Tabs) ->
    mod_xmpp_push_deferred:resume(Tabs, mod_xmpp_push_frame:ranges(fxml:get_tag_cdata(El))).

hello_unless_fenced_off(El, #state{host = Host, tabs = Tabs, connection = Connection} = S) ->
    case mod_xmpp_push_fence:admits(Host, Tabs, Connection, mod_xmpp_push_frame:number(<<"fence">>, El)) of
        true -> pump(hello(El, S));
        false -> S
    end.

%% It says hello again and again.
refuse(Version, #state{refused = Version} = S) ->
    S;
refuse(Version, S) ->
    ?WARNING_MSG("mod_xmpp_push on ~ts: ~ts speaks version ~p of the link and this module version ~b: upgrade the elder; "
                 "until then nobody is told of missed messages", [S#state.host, component(S), Version, ?LINK_VERSION]),
    S#state{refused = Version}.

hello(El, #state{host = Host, tabs = Tabs, options = Options} = S0) ->
    Instance = mod_xmpp_push_frame:attr(<<"instance">>, El),
    Session = mod_xmpp_push_frame:attr(<<"session">>, El),
    mod_xmpp_push_users:hello(Tabs, Instance, number(<<"users">>, El, 0)),
    mod_xmpp_push_publish:new_instance(Tabs, Instance),
    mod_xmpp_push_hello:want(Tabs, fxml:get_subtag(El, <<"want">>)),
    mod_xmpp_push_deferred:hello(Tabs, Instance),
    mod_xmpp_push_state:put(Tabs, session, Session),
    S = send(mod_xmpp_push_hello:own(Host, Tabs, Options, Session), S0),
    case is_connected(S) of
        true -> withdraw(mod_xmpp_push_buffer:take_withdrawn(Tabs), attach(number(<<"window">>, El, 1), S));
        false -> S
    end.

%% Of the hello that was answered last.
session(#state{tabs = Tabs}) ->
    mod_xmpp_push_state:get(Tabs, session, none).

number(Name, El, Default) ->
    case mod_xmpp_push_frame:number(Name, El) of
        none -> Default;
        Number -> Number
    end.

%%% To the service

%% Earlier news of the account is sent first.
request(Ref, User, #state{attached = true, tabs = Tabs, resent = Resent} = S) ->
    case mod_xmpp_push_buffer:is_journal_sent(Tabs, User, Resent) of
        true -> send_request(Ref, S);
        false -> mod_xmpp_push_request:hold(Tabs, Ref), S
    end;
request(Ref, _, #state{tabs = Tabs} = S) ->
    mod_xmpp_push_request:unavailable(Tabs, Ref),
    S.

send_request(Ref, #state{tabs = Tabs} = S) ->
    case mod_xmpp_push_request:to_send(Tabs, Ref) of
        {User, Resource, El} -> send(mod_xmpp_push_frame:request(Ref, User, Resource, El), S);
        none -> S
    end.

%% Takes what the hooks have seen; the rest of it in another turn, so that others come in between. Each is
%% sent before the next is taken, while the window allows: side by side in the buffer they would collapse.
drain(0, S) ->
    self() ! inbox,
    S;
drain(Left, #state{tabs = Tabs} = S) ->
    case mod_xmpp_push_state:take(Tabs) of
        {ok, Item} -> drain(less(Left), pump(?CATCH_UP, item(Item, S)));
        empty -> S
    end.

less(infinity) -> infinity;
less(Left) -> Left - 1.

item(#event{kind = Kind, user = User} = Event, #state{tabs = Tabs} = S) when ?is_journal(Kind) ->
    Kind == created andalso mod_xmpp_push_users:set_some(Tabs, User),
    mod_xmpp_push_request:abandon_held(Tabs, User),
    mod_xmpp_push_buffer:keep(Tabs, Event),
    mod_xmpp_push_deferred:void(Tabs, User),
    S;
item(#event{user = User} = Event, #state{tabs = Tabs} = S) ->
    mod_xmpp_push_users:has_none(Tabs, User) orelse mod_xmpp_push_buffer:keep(Tabs, Event),
    S;
item({request, User, Ref}, S) ->
    request(Ref, User, S);
item({Back, User, Resource}, #state{tabs = Tabs} = S) ->
    Back == opened orelse mod_xmpp_push_deferred:back(Tabs, User, Resource),
    case Back of
        available -> withdraw(mod_xmpp_push_buffer:drop_available(Tabs, User), S);
        _ -> withdraw(mod_xmpp_push_buffer:drop_resource(Tabs, User, Resource), S)
    end.

%% While detached the numbers wait in the buffer for the next hello.
withdraw([_ | _] = Numbers, #state{attached = true} = S) ->
    send(mod_xmpp_push_frame:withdraw(session(S), Numbers), S);
withdraw(_, S) ->
    S.

%% Sends one portion of what may be sent.
pump(S) ->
    pump(portion(S), S).

pump(_, #state{attached = false} = S) ->
    S;
pump(0, #state{pumping = true} = S) ->
    S;
pump(0, S) ->
    self() ! pump,
    S#state{pumping = true};
pump(Left, S) ->
    case next(S) of
        {El, S1} -> pump(Left - 1, send(El, S1));
        {El, User, S1} -> pump(Left - 1, release(User, send(El, S1)));
        none -> S
    end.

%% Of that account something was sent that requests may have waited for.
release(User, #state{tabs = Tabs, resent = Resent} = S) ->
    case mod_xmpp_push_buffer:is_journal_sent(Tabs, User, Resent) of
        true -> lists:foldl(fun send_request/2, S, mod_xmpp_push_request:held(Tabs, User));
        false -> S
    end.

next(#state{tabs = Tabs} = S) ->
    case mod_xmpp_push_publish:take_outcome(Tabs) of
        {ok, El} -> {El, S};
        none when S#state.attached == leaving -> none;
        none -> next_news(mod_xmpp_push_deferred:take_ended(Tabs), S)
    end.

next_news([_ | _] = Ended, S) -> {mod_xmpp_push_frame:withdraw(session(S), Ended), S};
next_news([], S) -> next_event(S).

next_event(#state{tabs = Tabs, resent = done, window = Window} = S) ->
    case mod_xmpp_push_buffer:window_used(Tabs) < Window andalso mod_xmpp_push_deferred:next(Tabs) of
        {Number, Event} -> event(Number, Event, S);
        _ -> none
    end;
next_event(#state{tabs = Tabs, resent = Last} = S) ->
    case mod_xmpp_push_buffer:next_outstanding(Tabs, Last) of
        {Number, Event} -> event(Number, Event, S#state{resent = Number});
        none -> next_event(S#state{resent = done})
    end.

event(Number, #event{kind = Kind, user = User} = Event, #state{host = Host, tabs = Tabs} = S) ->
    Sessions = mod_xmpp_push_sessions:of_user(Tabs, User, Host),
    El = mod_xmpp_push_frame:event(Number, Event, Sessions, erlang:system_time(millisecond)),
    case ?is_journal(Kind) of
        true -> {El, User, S};
        false -> {El, S}
    end.
