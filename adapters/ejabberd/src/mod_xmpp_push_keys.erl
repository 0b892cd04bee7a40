%% The keys by which the service knows messages again (docs/protocol.md, 3.5).
-module(mod_xmpp_push_keys).

-export([mark/1, of_message/2, join/2]).

-include("xmpp.hrl").

%% Key in the meta data of a message, which stay inside of the server and go with every copy.
-define(KEY, xmpp_push_key).

%% Of one entry, at most; bytes of one.
-define(MAX_KEYS, 20).
-define(MAX_KEY, 64).

%% Gives a message a key, unless it has one.
-spec mark(xmpp:message()) -> xmpp:message().
mark(#message{meta = #{?KEY := _}} = Message) -> Message;
mark(Message) -> xmpp:put_meta(Message, ?KEY, p1_rand:get_alphanum_string(12)).

%% The key of a message, or none. Els are what is in it, if it is a copy, and itself, as elements.
-spec of_message(xmpp:message(), [fxml:xmlel()]) -> [binary()].
of_message(#message{to = To} = Message, Els) ->
    Account = jid:encode(jid:tolower(jid:remove_resource(To))),
    case [Id || El <- Els, Id <- archive_ids(El, Account)] of
        [Id | _] -> [Id];
        [] -> of_meta(inner(Message))
    end.

archive_ids(#xmlel{children = Children}, Account) ->
    Ids = [fxml:get_tag_attr_s(<<"id">>, El) || #xmlel{name = <<"stanza-id">>} = El <- Children,
                                                fxml:get_tag_attr_s(<<"xmlns">>, El) == ?NS_SID_0,
                                                fxml:get_tag_attr_s(<<"by">>, El) == Account],
    lists:filter(fun is_key/1, Ids).

is_key(Id) ->
    byte_size(Id) =< ?MAX_KEY andalso re:run(Id, "^\\S+$", [{capture, none}]) == match.

%% mod_mam names each message before it stores it, if it does.
of_meta(#message{meta = #{stanza_id := Id}}) when is_integer(Id) -> [integer_to_binary(Id)];
of_meta(#message{meta = #{?KEY := Key}}) -> [Key];
of_meta(_) -> [].

%% The message in a carbon that the server itself has made, not as others have written one.
inner(#message{meta = #{carbon_copy := true}, sub_els = Els} = Outer) ->
    case [Inner || #carbons_received{forwarded = #forwarded{sub_els = [#message{} = Inner]}} <- Els] of
        [Inner | _] -> Inner;
        [] -> Outer
    end;
inner(Message) ->
    Message.

%% Those of an entry and newer ones: the newest stay.
-spec join([binary()], [binary()]) -> [binary()].
join(Keys, Newer) ->
    All = Keys ++ Newer,
    lists:nthtail(max(0, length(All) - ?MAX_KEYS), All).
