%% Publishing as the host on the service's behalf, and handing the outcomes back (docs/protocol.md, 5).
-module(mod_xmpp_push_publish).

-export([new_instance/2, relay/4, replied/3, sweep/2]).
-export([take_outcome/1, dump/1, restore/2]).

-include("xmpp.hrl").
-include("mod_xmpp_push.hrl").

%% Outcomes kept while detached, per host; the eldest go first.
-define(MAX_OUTCOMES, 10000).

%% Seconds: what is waited for without a timeout attribute, and at most.
-define(DEFAULT_TIMEOUT, 40).
-define(MAX_TIMEOUT, 600).

%% ejabberd_iq reports a timeout itself, except to a process that is just restarting; milliseconds of grace.
-define(GRACE, 5000).

%% Key in an IQ's meta data. Errors that this server makes are made of the IQ itself and keep the meta data;
%% what comes in by a socket has none.
-define(MARK, xmpp_push_publish).

%% By default one user has at most this part of the link's places, and at least so many: one whose push service is slow
%% leaves the others theirs.
-define(USERS_PART, 10).
-define(USERS_LEAST, 50).

%% Bytes of an error's text that are handed on.
-define(MAX_TEXT, 256).

-record(publish, {instance :: binary(), ref :: pos_integer(), to :: jid:jid(), local :: boolean()}).

%% The run of the service, what was received of it last, and the outcomes that it has not got.
-type kept() :: {Instance :: binary() | undefined, {Instance :: binary(), pos_integer()} | none, [fxml:xmlel()]}.

-export_type([kept/0]).

%% The service was restarted: nobody waits for the outcomes of the run before.
-spec new_instance(#tabs{}, binary()) -> ok.
new_instance(#tabs{in_flight = InFlight, places = Places, outcomes = Outcomes} = Tabs, Instance) ->
    case mod_xmpp_push_state:get(Tabs, instance, undefined) of
        Instance ->
            ok;
        _ ->
            ets:delete_all_objects(InFlight),
            ets:delete_all_objects(Places),
            ets:delete_all_objects(Outcomes),
            mod_xmpp_push_state:put(Tabs, instance, Instance),
            ok
    end.

%% A publish that was seen before has its outcome, or will have.
-spec relay(#tabs{}, binary(), gen_mod:opts(), fxml:xmlel()) -> ok.
relay(Tabs, Host, Options, El) ->
    Instance = mod_xmpp_push_state:get(Tabs, instance),
    Got = case mod_xmpp_push_state:get(Tabs, got, none) of
              {Instance, Last} -> Last;
              _ -> 0
          end,
    case mod_xmpp_push_frame:number(<<"ref">>, El) of
        Ref when is_integer(Ref), Ref > Got ->
            mod_xmpp_push_state:put(Tabs, got, {Instance, Ref}),
            send(Tabs, Host, Options, Instance, Ref, El);
        _ ->
            ok
    end.

send(Tabs, Host, Options, Instance, Ref, El) ->
    User = mod_xmpp_push_frame:attr(<<"user">>, El),
    Full = is_full(Tabs, Options, User),
    case check(Host, El) of
        {ok, _, _} when Full ->
            refuse(Tabs, Instance, Ref, 'resource-constraint');
        {ok, To, PubSub} ->
            Timeout = timeout(El),
            enter(Tabs, {Instance, Ref}, erlang:monotonic_time(millisecond) + Timeout + ?GRACE, User),
            send_iq(Tabs, Host, Instance, Ref, To, PubSub, Timeout);
        error ->
            refuse(Tabs, Instance, Ref, 'bad-request')
    end.

is_full(#tabs{in_flight = InFlight} = Tabs, #{max_in_flight := OfHost, max_in_flight_per_user := OfUser}, User) ->
    Max = mod_xmpp_push_state:share(OfHost, Tabs),
    ets:info(InFlight, size) >= Max orelse taken_by(Tabs, User) >= of_user(OfUser, Max).

of_user(auto, Max) -> max(?USERS_LEAST, Max div ?USERS_PART);
of_user(OfUser, _) -> OfUser.

%% It need not say whom a publish is for.
taken_by(_, <<>>) ->
    0;
taken_by(#tabs{places = Places}, User) ->
    case ets:lookup(Places, User) of
        [{_, Count}] -> Count;
        [] -> 0
    end.

enter(#tabs{in_flight = InFlight, places = Places}, Key, Deadline, User) ->
    ets:insert(InFlight, {Key, Deadline, User}),
    ets:update_counter(Places, User, 1, {User, 0}).

%% Whether it was there.
leave(#tabs{in_flight = InFlight, places = Places}, Key) ->
    case ets:take(InFlight, Key) of
        [{_, _, User}] -> ets:update_counter(Places, User, -1, {User, 1}) > 0 orelse ets:delete(Places, User);
        [] -> false
    end.

send_iq(#tabs{proc = Proc}, Host, Instance, Ref, To, PubSub, Timeout) ->
    IQ = #iq{type = set, from = jid:make(Host), to = To, sub_els = [PubSub], meta = #{?MARK => true}},
    Publish = #publish{instance = Instance, ref = Ref, to = To, local = is_local(To)},
    %% A name and not a pid, so that a process that was restarted gets the reply.
    ejabberd_router:route_iq(IQ, Publish, Proc, Timeout).

timeout(El) ->
    case mod_xmpp_push_frame:number(<<"timeout">>, El) of
        none -> timer:seconds(?DEFAULT_TIMEOUT);
        Seconds -> timer:seconds(max(1, min(Seconds, ?MAX_TIMEOUT)))
    end.

%% The service may publish in the host's name, and nothing else.
check(Host, #xmlel{children = Children} = El) ->
    try jid:decode(mod_xmpp_push_frame:attr(<<"to">>, El)) of
        #jid{luser = <<>>, lserver = Host} -> error;
        To -> check_payload(To, [Child || #xmlel{} = Child <- Children])
    catch
        _:_ -> error
    end.

check_payload(To, [#xmlel{name = <<"pubsub">>, children = Children} = PubSub]) ->
    Names = lists:sort([{Name, fxml:get_attr_s(<<"xmlns">>, Attrs)} || #xmlel{name = Name, attrs = Attrs} <- Children]),
    case fxml:get_tag_attr_s(<<"xmlns">>, PubSub) == ?NS_PUBSUB andalso Names of
        [{<<"publish">>, <<>>}] -> {ok, To, PubSub};
        [{<<"publish">>, <<>>}, {<<"publish-options">>, <<>>}] -> {ok, To, PubSub};
        _ -> error
    end;
check_payload(_, _) ->
    error.

is_local(#jid{lserver = Server}) ->
    ejabberd_router:is_my_route(Server).

%% ejabberd_iq's callback: an answer or the lack of one. Whoever answers under the id ends the wait.
-spec replied(#tabs{}, xmpp:iq() | timeout, #publish{}) -> ok.
replied(Tabs, Reply, #publish{instance = Instance, ref = Ref} = Publish) ->
    case leave(Tabs, {Instance, Ref}) of
        true -> keep(Tabs, Instance, Ref, outcome(Reply, Publish));
        false -> ok
    end.

%% Its attributes, and the text of an error.
outcome(timeout, _) ->
    {[{<<"type">>, timeout}], <<>>};
outcome(#iq{from = From} = Reply, #publish{to = To} = Publish) ->
    case jid:tolower(From) == jid:tolower(To) of
        true -> answer(Reply, Publish);
        false -> {[{<<"type">>, foreign}], <<>>}
    end.

answer(#iq{type = result}, _) ->
    {[{<<"type">>, result}], <<>>};
answer(#iq{type = error} = Reply, Publish) ->
    Error = xmpp:get_error(Reply),
    {Type, Condition} = error_of(Error),
    Origin = case is_bounce(Reply, Condition, Publish) of true -> server; false -> undefined end,
    {[{<<"type">>, error}, {<<"origin">>, Origin}, {<<"etype">>, Type}, {<<"condition">>, Condition}], text(Origin, Error)}.

text(undefined, #stanza_error{text = Text}) -> cut(xmpp:get_text(Text), ?MAX_TEXT);
text(_, _) -> <<>>.

%% No character is cut in two: the bytes that go on with one begin with 10.
cut(Text, Max) when byte_size(Text) =< Max ->
    Text;
cut(Text, Max) ->
    case binary:at(Text, Max) bsr 6 of
        2#10 -> cut(Text, Max - 1);
        _ -> binary:part(Text, 0, Max)
    end.

%% An error without a readable reason says nothing about the registration.
error_of(#stanza_error{type = Type, reason = Reason}) when is_atom(Reason), Reason /= undefined -> {Type, Reason};
error_of(#stanza_error{type = Type, reason = Reason}) when is_tuple(Reason) -> {Type, element(1, Reason)};
error_of(_) -> {wait, 'undefined-condition'}.

%% Made by this server, and not by the addressee: s2s could not or must not reach it, or its component left.
%% An addressee that this server itself serves (pubsub.HOST of mod_pubsub, say) answers in the same way.
is_bounce(#iq{meta = #{?MARK := true}}, Condition, #publish{to = To, local = Local}) ->
    lists:member(Condition, ['remote-server-not-found', 'remote-server-timeout'])
        orelse not Local orelse not is_local(To);
is_bounce(_, _, _) ->
    false.

refuse(Tabs, Instance, Ref, Condition) ->
    keep(Tabs, Instance, Ref,
         {[{<<"type">>, error}, {<<"origin">>, link}, {<<"etype">>, wait}, {<<"condition">>, Condition}], <<>>}).

keep(#tabs{outcomes = Outcomes} = Tabs, Instance, Ref, {Attrs, Text}) ->
    case mod_xmpp_push_state:get(Tabs, instance, undefined) of
        Instance ->
            Outcome = mod_xmpp_push_frame:outcome(Ref, Attrs, Text),
            ets:insert(Outcomes, {mod_xmpp_push_state:bump(Tabs, outcome), Outcome}),
            ets:info(Outcomes, size) > mod_xmpp_push_state:share(?MAX_OUTCOMES, Tabs)
                andalso ets:delete(Outcomes, ets:first(Outcomes)),
            ok;
        _ ->
            ok
    end.

-spec take_outcome(#tabs{}) -> {ok, fxml:xmlel()} | none.
take_outcome(#tabs{outcomes = Outcomes}) ->
    case ets:first(Outcomes) of
        '$end_of_table' ->
            none;
        Order ->
            [{_, El}] = ets:take(Outcomes, Order),
            {ok, El}
    end.

%% Outcomes for those whose reply was lost with a process.
-spec sweep(#tabs{}, integer()) -> ok.
sweep(#tabs{in_flight = InFlight} = Tabs, Now) ->
    give_up(Tabs, ets:select(InFlight, [{{'$1', '$2', '_'}, [{'=<', '$2', Now}], ['$1']}])).

give_up(Tabs, Keys) ->
    lists:foreach(fun({Instance, Ref} = Key) ->
                          leave(Tabs, Key),
                          keep(Tabs, Instance, Ref, outcome(timeout, undefined))
                  end, Keys).

%%% Over a restart of the server

%% Publishes in flight get no outcome any more.
-spec dump(#tabs{}) -> kept().
dump(#tabs{in_flight = InFlight, outcomes = Outcomes} = Tabs) ->
    give_up(Tabs, [Key || {Key, _, _} <- ets:tab2list(InFlight)]),
    {mod_xmpp_push_state:get(Tabs, instance, undefined), mod_xmpp_push_state:get(Tabs, got, none),
     [El || {_, El} <- ets:tab2list(Outcomes)]}.

-spec restore(#tabs{}, kept()) -> ok.
restore(_, {_, none, _}) ->
    ok;
restore(#tabs{outcomes = Outcomes} = Tabs, {Instance, Got, Els}) ->
    mod_xmpp_push_state:put(Tabs, instance, Instance),
    mod_xmpp_push_state:put(Tabs, got, Got),
    ets:insert(Outcomes, [{mod_xmpp_push_state:bump(Tabs, outcome), El} || El <- Els]),
    ok.
