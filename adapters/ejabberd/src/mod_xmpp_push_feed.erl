%% What the hooks see of users and messages, told to the link's process by way of the inbox.
%% Runs in the processes of sessions and senders: cheap for those without push, and never in their way.
-module(mod_xmpp_push_feed).

-export([start/1, stop/1]).
-export([marked/1, kept_in_archive/1, offline/1, pending/1, sent/3, terminated/2, archived/7, archived/8, received/1]).
-export([removed/2, created/2]).
-export([resumed/1, presence/1, opened/3, csi/2]).

-include("xmpp.hrl").
-include("mod_xmpp_push.hrl").

%% Key in the meta data of a message that was told as offline.
-define(TOLD, xmpp_push_told).

-spec start(binary()) -> ok.
start(Host) ->
    lists:foreach(fun({Hook, Fun, Seq}) -> ejabberd_hooks:add(Hook, Host, ?MODULE, Fun, Seq) end, hooks()).

-spec stop(binary()) -> ok.
stop(Host) ->
    lists:foreach(fun({Hook, Fun, Seq}) -> ejabberd_hooks:delete(Hook, Host, ?MODULE, Fun, Seq) end, hooks()).

hooks() ->
    [{sm_receive_packet, marked, 40},       % before the sessions get their copies
     %% After mod_mam, which has the same number: those of one number are called in the order of their modules' names.
     {offline_message_hook, kept_in_archive, 49},
     {offline_message_hook, offline, 60},  % after mod_offline (50), which may refuse by quota
     {c2s_session_pending, pending, 50},
     {c2s_handle_send, sent, 60},
     {c2s_terminated, terminated, 40},     % before mod_stream_mgmt (50) bounces or sends again
     {store_mam_message, archived, 60},
     {sm_receive_packet, received, 55},    % after those that drop packets
     {remove_user, removed, 50},
     {register_user, created, 50},
     {c2s_session_resumed, resumed, 50},
     {c2s_self_presence, presence, 60},
     {sm_register_connection_hook, opened, 50},
     {csi_activity, csi, 60}].

%%% Missed messages

%% On its way to an account. Most users have no push.
-spec marked(xmpp:stanza() | drop) -> xmpp:stanza() | drop.
marked(#message{type = Type, to = #jid{luser = User, lserver = Host}} = Message) when Type /= error ->
    mod_xmpp_push_guard:step(sm_receive_packet, Message, fun() -> marked(tabs({User, Host}), User, Message) end);
marked(Acc) ->
    Acc.

marked(undefined, _, Message) ->
    Message;
marked(Tabs, User, Message) ->
    case mod_xmpp_push_users:has_none(Tabs, User) of
        true -> Message;
        false -> mod_xmpp_push_keys:mark(Message)
    end.

%% What the archive has the user will find, also when mod_offline refuses it: then the hook ends there. The mark in the
%% meta data, which stays inside of the server, keeps it from being told twice.
-spec kept_in_archive({atom(), xmpp:message()}) -> {atom(), xmpp:message()}.
kept_in_archive({archived, Message}) ->
    missed_offline({archived, xmpp:put_meta(Message, ?TOLD, true)}, Message);
kept_in_archive(Acc) ->
    Acc.

%% Action tells what became of the message: only what is kept is worth a wake-up.
-spec offline({atom(), xmpp:message()}) -> {atom(), xmpp:message()}.
offline({_, #message{meta = #{?TOLD := true}}} = Acc) ->
    Acc;
offline({Action, Message} = Acc) when Action == offlined; Action == archived ->
    missed_offline(Acc, Message);
offline(Acc) ->
    Acc.

missed_offline(Acc, #message{to = #jid{luser = User, lserver = Host}} = Message) ->
    feed(offline_message_hook, Acc, offline, {User, Host, <<>>}, fun() -> [Message] end).

%% The connection is lost and resumption possible: what was sent and not acknowledged.
-spec pending(ejabberd_c2s:state()) -> ejabberd_c2s:state().
pending(#{jid := #jid{lserver = Host} = JID, mgmt_queue := Queue} = State) ->
    hook(c2s_session_pending, ok, Host, fun mod_xmpp_push_sessions:hibernated/1),
    feed(c2s_session_pending, State, unacked, jid:tolower(JID), fun() -> queued(Queue) end);
pending(State) ->
    State.

%% Sent into the queue of a session without a connection.
-spec sent(ejabberd_c2s:state(), xmpp:stanza(), term()) -> ejabberd_c2s:state().
sent(#{mgmt_state := pending, jid := JID} = State, #message{} = Message, _Result) ->
    feed(c2s_handle_send, State, queued, jid:tolower(JID), fun() -> [Message] end);
sent(State, _, _) ->
    State.

%% A session ends for good. After a resumption (mgmt_state resumed) its messages live on in the new one.
-spec terminated(ejabberd_c2s:state(), term()) -> ejabberd_c2s:state().
terminated(#{jid := #jid{luser = User, lserver = Host, lresource = Resource}} = State, _Reason) ->
    hook(c2s_terminated, ok, Host,
         fun(Tabs) ->
                 is_resumed(State) orelse mod_xmpp_push_sessions:over(Tabs, User, Resource),
                 mod_xmpp_push_sessions:ended(Tabs, is_losing(State))
         end),
    terminated(State);
terminated(State, _Reason) ->
    State.

terminated(#{mgmt_state := Mgmt, mgmt_queue := Queue, jid := JID} = State)
  when Mgmt == timeout; Mgmt == pending; Mgmt == active ->
    feed(c2s_terminated, State, lost, jid:tolower(JID), fun() -> queued(Queue) end);
terminated(State) ->
    State.

%% The process ends, and the session lives on in another.
is_resumed(State) -> maps:get(mgmt_state, State, none) == resumed.

is_losing(#{mgmt_queue := Queue}) -> not p1_queue:is_empty(Queue);
is_losing(_) -> false.

queued(Queue) ->
    [Message || {_, _, #message{} = Message} <- p1_queue:to_list(Queue)].

%% Into the archive of a user who is connected somewhere; without a session it is offline/1's.
-spec archived(xmpp:message(), binary(), binary(), jid:jid(), binary(), chat | groupchat, send | recv) -> xmpp:message().
archived(#message{} = Message, User, Host, _Peer, _Nick, chat, recv) ->
    hook(store_mam_message, Message, {User, Host},
         fun(Tabs) ->
                 is_wanted(Tabs, archived, User) andalso ejabberd_sm:get_user_resources(User, Host) /= []
                     andalso offer_archived(Tabs, Message, User, Host)
         end);
archived(Message, _, _, _, _, _, _) ->
    Message.

%% Since ejabberd 26.03 the hook also says whether the archive of a room has the message.
-spec archived(xmpp:message(), binary(), binary(), jid:jid(), binary(), chat | groupchat, send | recv, boolean()) ->
          xmpp:message().
archived(Message, User, Host, Peer, Nick, Type, Direction, _InRoom) ->
    archived(Message, User, Host, Peer, Nick, Type, Direction).

offer_archived(Tabs, Message, User, Host) ->
    offer(Tabs, archived, User, <<>>, mod_xmpp_push_content:archived(Message, contents(Tabs), User, Host)).

%%% Registrations that push services end

%% For the user, by the bare or a full JID, wherever they are. Cheap for all other messages.
-spec received(xmpp:stanza()) -> xmpp:stanza().
received(#message{type = Type} = Message) when Type /= error ->
    lists:foreach(fun(PubSub) -> revoked(Message, PubSub) end,
                  [El || #xmlel{name = <<"pubsub">>} = El <- xmpp:get_els(Message),
                         fxml:get_tag_attr_s(<<"xmlns">>, El) == ?NS_PUBSUB]),
    Message;
received(Stanza) ->
    Stanza.

revoked(#message{to = #jid{luser = User, lserver = Host}} = Message, PubSub) ->
    hook(sm_receive_packet, ok, {User, Host},
         fun(Tabs) ->
                 is_wanted(Tabs, revoked, User) andalso is_news(Message, Host)
                     andalso offer_revoked(Tabs, User, Host, mod_xmpp_push_content:revocation(Message, PubSub))
         end).

%% The host itself revokes nothing. What mod_stream_mgmt sends anew has been here.
is_news(#message{from = #jid{luser = <<>>, lserver = Host}}, Host) ->
    false;
is_news(Message, Host) ->
    not lists:any(fun(#delay{from = #jid{lserver = By}}) -> By == Host;
                     (_) -> false
                  end, xmpp:get_els(Message)).

offer_revoked(_, _, _, none) ->
    ok;
offer_revoked(Tabs, User, Host, {El, About}) ->
    ejabberd_auth:user_exists(User, Host) andalso offer(Tabs, #event{kind = revoked, user = User, about = About}, El, false).

%%% Accounts

-spec removed(binary(), binary()) -> ok.
removed(User, Host) ->
    account(remove_user, removed, User, Host).

-spec created(binary(), binary()) -> ok.
created(User, Host) ->
    account(register_user, created, User, Host).

%% Told also of users who are known to have no push, but not of guests, who cannot register for any.
account(Hook, Kind, Name, Host) ->
    User = jid:nodeprep(Name),
    hook(Hook, ok, {User, jid:nameprep(Host)},
         fun(Tabs) ->
                 is_wanted(Tabs, Kind) andalso not mod_xmpp_push_anonymous:is_guest(User)
                     andalso offer(Tabs, Kind, User, <<>>, {none, false, []})
         end).

%% Messages is a function, since most users have no push and their queues need not be looked at.
feed(Hook, Acc, Kind, {User, Host, Resource}, Messages) ->
    hook(Hook, Acc, {User, Host},
         fun(Tabs) ->
                 is_wanted(Tabs, Kind, User) andalso
                     [offer(Tabs, Kind, User, Resource, mod_xmpp_push_content:message(Message, contents(Tabs)))
                      || Message <- Messages()]
         end).

%% Until the service has said what it wants, all kinds are kept for it.
is_wanted(Tabs, Kind) ->
    case mod_xmpp_push_state:get(Tabs, kinds, all) of
        all -> true;
        Kinds -> lists:member(Kind, Kinds)
    end.

is_wanted(Tabs, Kind, User) ->
    not mod_xmpp_push_users:has_none(Tabs, User) andalso is_wanted(Tabs, Kind).

contents(Tabs) ->
    mod_xmpp_push_state:get(Tabs, contents, []).

offer(_, _, _, _, none) ->
    ok;
offer(Tabs, Kind, User, Resource, {El, Content, Keys}) ->
    offer(Tabs, #event{kind = Kind, user = User, resource = Resource, keys = Keys}, El, Content).

offer(Tabs, Event, El, Content) ->
    Now = erlang:system_time(millisecond),
    mod_xmpp_push_state:offer(Tabs, Event#event{first = Now, last = Now, message = El, content = Content, size = size_of(El)}).

%% An estimate that does not write the element out.
size_of(none) -> 0;
size_of(El) -> erlang:external_size(El).

%%% The user is back

-spec resumed(ejabberd_c2s:state()) -> ejabberd_c2s:state().
resumed(#{jid := #jid{luser = User, lserver = Host, lresource = Resource}} = State) ->
    hook(c2s_session_resumed, ok, Host, fun(Tabs) -> mod_xmpp_push_sessions:resumed(Tabs, User, Resource) end),
    back(c2s_session_resumed, State, Host, {resumed, User, Resource});
resumed(State) ->
    State.

-spec opened(ejabberd_sm:sid(), jid:jid(), ejabberd_sm:info()) -> ok.
opened(_Sid, #jid{luser = User, lserver = Host, lresource = Resource}, Info) ->
    mod_xmpp_push_anonymous:opened(User, Info),
    back(sm_register_connection_hook, ok, Host, {opened, User, Resource}).

%% Available, and was not: a mere change of presence on one device says nothing about the others.
-spec presence({xmpp:presence(), ejabberd_c2s:state()}) -> {xmpp:presence(), ejabberd_c2s:state()}.
presence({#presence{type = available} = Presence, #{jid := JID} = State} = Acc) ->
    #jid{luser = User, lserver = Host, lresource = Resource} = JID,
    case takes_messages(Presence) andalso not takes_messages(maps:get(pres_last, State, none)) of
        true -> back(c2s_self_presence, Acc, Host, {available, User, Resource});
        false -> Acc
    end;
presence(Acc) ->
    Acc.

%% RFC 6121, 8.5.2.1: messages to the account go to resources of a priority of 0 or more.
takes_messages(#presence{priority = undefined}) -> true;
takes_messages(#presence{priority = Priority}) -> Priority >= 0;
takes_messages(none) -> false.

back(Hook, Acc, Host, {_, User, _} = Item) ->
    hook(Hook, Acc, {User, Host},
         fun(Tabs) -> mod_xmpp_push_state:is_idle(Tabs, User) orelse mod_xmpp_push_state:offer(Tabs, Item) end).

-spec csi(ejabberd_c2s:state(), active | inactive) -> ejabberd_c2s:state().
csi(#{lserver := Host} = State, Activity) ->
    hook(csi_activity, State, Host, fun(Tabs) -> mod_xmpp_push_sessions:csi(Tabs, Activity) end).

%% What every hook does: hands Acc on, whatever comes of Body. Of is a user's bare JID, or a host for what its links
%% have in common.
hook(Hook, Acc, Of, Body) ->
    mod_xmpp_push_guard:effect(Hook, Acc,
                               fun() ->
                                       case tabs(Of) of
                                           undefined -> ok;
                                           Tabs -> Body(Tabs)
                                       end
                               end).

tabs({User, Host}) -> mod_xmpp_push_shards:find(User, Host);
tabs(Host) -> mod_xmpp_push_shards:find(Host).
