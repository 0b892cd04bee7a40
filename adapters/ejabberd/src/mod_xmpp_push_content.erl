%% Which messages are worth an event, and how they look on the link (docs/protocol.md, 3.2).
-module(mod_xmpp_push_content).

-export([message/2, archived/4, revocation/2]).

-include("xmpp.hrl").

%% Bytes; no registration has a longer one.
-define(MAX_NODE, 1023).

-define(NS_MUCSUB_MESSAGES, <<"urn:xmpp:mucsub:nodes:messages">>).

%% The message as an element, whether it has a content, and its key; none when the service does not want it.
-spec message(xmpp:message(), [atom()]) -> {fxml:xmlel(), boolean(), [binary()]} | none.
message(#message{type = error}, _) ->
    none;
message(#message{} = Message, Wants) ->
    El = encode(Message),
    case inner(El) of
        none -> none;
        Inner -> judge(Message, El, Inner, Wants)
    end.

%% As message/2, for one on its way into the archive of User: mod_mam adds the stanza's id (XEP-0359) only
%% after storing it, and without the id the service would not know the message again.
-spec archived(xmpp:message(), [atom()], binary(), binary()) -> {fxml:xmlel(), boolean(), [binary()]} | none.
archived(#message{meta = #{stanza_id := Id}} = Message, Wants, User, Host) ->
    By = jid:encode(jid:make(User, Host)),
    StanzaId = #xmlel{name = <<"stanza-id">>,
                      attrs = [{<<"xmlns">>, ?NS_SID_0}, {<<"by">>, By}, {<<"id">>, integer_to_binary(Id)}]},
    message(xmpp:set_els(Message, [StanzaId | xmpp:get_els(Message)]), Wants);
archived(Message, Wants, _, _) ->
    message(Message, Wants).

%% The revocation in a push service's message to a user whose registration it has ended (XEP-0357, 8), without the rest of the message, and
%% that registration.
-spec revocation(xmpp:message(), fxml:xmlel()) -> {fxml:xmlel(), {binary(), binary()}} | none.
revocation(#message{from = From, to = To}, PubSub) ->
    Node = fxml:get_tag_attr_s(<<"node">>, PubSub),
    case takes_away(fxml:get_subtag(PubSub, <<"affiliation">>), To) andalso byte_size(Node) =< ?MAX_NODE of
        true -> {revoking(From, To, Node), {jid:encode(jid:remove_resource(From)), Node}};
        false -> none
    end.

takes_away(#xmlel{} = Affiliation, User) ->
    fxml:get_tag_attr_s(<<"affiliation">>, Affiliation) == <<"none">>
        andalso is_of(fxml:get_tag_attr_s(<<"jid">>, Affiliation), User);
takes_away(false, _) ->
    false.

is_of(Text, User) ->
    try jid:decode(Text) of
        JID -> jid:tolower(jid:remove_resource(JID)) == jid:tolower(jid:remove_resource(User))
    catch
        error:{bad_jid, _} -> false
    end.

revoking(From, To, Node) ->
    User = jid:encode(jid:remove_resource(To)),
    Affiliation = #xmlel{name = <<"affiliation">>, attrs = [{<<"jid">>, User}, {<<"affiliation">>, <<"none">>}]},
    PubSub = #xmlel{name = <<"pubsub">>, attrs = [{<<"xmlns">>, ?NS_PUBSUB}, {<<"node">>, Node}], children = [Affiliation]},
    #xmlel{name = <<"message">>, attrs = [{<<"xmlns">>, ?NS_CLIENT}, {<<"from">>, jid:encode(From)}, {<<"to">>, User}],
           children = [PubSub]}.

encode(Message) ->
    #xmlel{attrs = Attrs} = El = xmpp:encode(Message, ?NS_CLIENT),
    El#xmlel{attrs = lists:keystore(<<"xmlns">>, 1, Attrs, {<<"xmlns">>, ?NS_CLIENT})}.

%% A copy without a content does not hide the content around it.
judge(Message, El, Inner, Wants) ->
    Content = has_content(Inner) orelse has_content(El),
    IsCall = lists:member(calls, Wants) andalso (is_call(Inner) orelse is_call(El)),
    case Content orelse lists:member(any, Wants) orelse IsCall of
        true -> {El, Content, mod_xmpp_push_keys:of_message(Message, [Inner, El])};
        false -> none
    end.

%% The message inside a received carbon (XEP-0280) or a MUC/Sub event, else the message itself; none for what the
%% account itself sends of no new message: a sent carbon, which the user wrote, or a result of the archive (XEP-0313).
inner(El) ->
    Own = is_of_own_account(El),
    Holds = fun(Path) -> Own andalso descend(El, Path) end,
    case {Holds(carbon(<<"sent">>)), Holds([{<<"result">>, ?NS_MAM_2}]), Holds(carbon(<<"received">>))} of
        {false, false, false} -> inner_mucsub(El);
        {false, false, Forwarded} -> message_in(Forwarded, El);
        _ -> none
    end.

carbon(Direction) ->
    [{Direction, ?NS_CARBONS_2}, {<<"forwarded">>, ?NS_FORWARD}].

%% From the bare JID of the account that it is for; whoever else sends something that looks like a copy has written a
%% message (XEP-0280, 11).
is_of_own_account(El) ->
    From = jid:decode(fxml:get_tag_attr_s(<<"from">>, El)),
    To = jid:decode(fxml:get_tag_attr_s(<<"to">>, El)),
    jid:tolower(From) == jid:tolower(jid:remove_resource(To)).

inner_mucsub(El) ->
    case descend(El, [{<<"event">>, ?NS_PUBSUB_EVENT}]) of
        #xmlel{} = Event -> message_in(mucsub_item(Event), El);
        false -> El
    end.

descend(El, Path) ->
    lists:foldl(fun({Name, Ns}, #xmlel{} = Parent) -> fxml:get_subtag_with_xmlns(Parent, Name, Ns);
                   (_, false) -> false
                end, El, Path).

mucsub_item(Event) ->
    case fxml:get_subtag(Event, <<"items">>) of
        #xmlel{} = Items ->
            case fxml:get_tag_attr_s(<<"node">>, Items) of
                ?NS_MUCSUB_MESSAGES -> fxml:get_subtag(Items, <<"item">>);
                _ -> false
            end;
        false ->
            false
    end.

message_in(#xmlel{} = Parent, Outer) ->
    case fxml:get_subtag(Parent, <<"message">>) of
        #xmlel{} = Inner -> Inner;
        false -> Outer
    end;
message_in(false, Outer) ->
    Outer.

has_content(#xmlel{children = Children}) ->
    lists:any(fun is_content/1, Children).

is_content(#xmlel{name = <<"body">>} = Body) ->
    fxml:get_tag_cdata(Body) /= <<>>;
is_content(#xmlel{name = <<"encrypted">>} = El) ->
    lists:member(ns(El), [<<"eu.siacs.conversations.axolotl">>, <<"urn:xmpp:omemo:1">>, <<"urn:xmpp:omemo:2">>])
        andalso fxml:get_subtag(El, <<"payload">>) /= false;
is_content(#xmlel{name = Name} = El) ->
    lists:member({Name, ns(El)}, [{<<"openpgp">>, <<"urn:xmpp:openpgp:0">>},
                                  {<<"x">>, <<"jabber:x:encrypted">>},
                                  {<<"encryption">>, <<"urn:xmpp:eme:0">>}]);
is_content(_) ->
    false.

is_call(#xmlel{children = Children}) ->
    lists:any(fun(#xmlel{} = El) -> ns(El) == <<"urn:xmpp:jingle-message:0">>;
                 (_) -> false
              end, Children).

ns(El) ->
    fxml:get_tag_attr_s(<<"xmlns">>, El).
