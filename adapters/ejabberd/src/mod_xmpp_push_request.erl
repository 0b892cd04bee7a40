%% Enable and disable (XEP-0357): from the client to the service, and the answer back (docs/protocol.md, 6).
-module(mod_xmpp_push_request).

-export([decode_iq_subel/1, process_iq/1]).
-export([to_send/2, hold/2, held/2, answer/2, unavailable/2, abandon/1, abandon_held/2, expire/2, has_pending/2]).

-include("xmpp.hrl").
-include("mod_xmpp_push.hrl").

%% Requests waiting at the same time, per host.
-define(MAX_PENDING, 10000).

%%% The client's side: called by ejabberd_sm for IQs to an account, in the process of the session

%% Tells gen_iq_handler to leave the payload alone: the service sees it as it was sent.
-spec decode_iq_subel(fxml:xmlel()) -> fxml:xmlel().
decode_iq_subel(El) ->
    El.

-spec process_iq(xmpp:iq()) -> xmpp:iq() | ignore.
process_iq(#iq{type = set, from = #jid{luser = User, lserver = Host}, to = #jid{luser = User, lserver = Host},
               sub_els = [#xmlel{name = Name}]} = IQ)
  when Name == <<"enable">>; Name == <<"disable">> ->
    Tabs = mod_xmpp_push_shards:find(User, Host),
    case mod_xmpp_push_anonymous:is_guest(User) of
        true -> not_allowed(IQ, <<"An anonymous user has no account to register for">>);
        false -> submit_if_open(Tabs, IQ)
    end;
process_iq(#iq{type = set, lang = Lang, from = #jid{luser = User, lserver = Host}, to = #jid{luser = User, lserver = Host}} = IQ) ->
    xmpp:make_error(strip(IQ), xmpp:err_bad_request(<<"Neither enable nor disable">>, Lang));
process_iq(IQ) ->
    not_allowed(IQ, <<"Only enable and disable, and only for your own account">>).

not_allowed(#iq{lang = Lang} = IQ, Text) ->
    xmpp:make_error(strip(IQ), xmpp:err_not_allowed(Text, Lang)).

submit_if_open(Tabs, IQ) ->
    case is_open(Tabs) of
        true -> submit(Tabs, IQ);
        false -> unavailable(IQ)
    end.

is_open(undefined) ->
    false;
is_open(#tabs{requests = Requests} = Tabs) ->
    %% Two rows each.
    mod_xmpp_push_state:get(Tabs, attached, false)
        andalso ets:info(Requests, size) < 2 * mod_xmpp_push_state:share(?MAX_PENDING, Tabs).

%% By way of the inbox: what became of the account before is there, too, and comes first.
submit(#tabs{requests = Requests} = Tabs, #iq{from = From, sub_els = [#xmlel{name = Name} = El]} = IQ) ->
    #jid{luser = User, lserver = Host, lresource = Resource} = From,
    Ref = mod_xmpp_push_state:bump(Tabs, request),
    Deadline = erlang:monotonic_time(millisecond) + gen_mod:get_module_opt(Host, mod_xmpp_push, request_timeout),
    Action = case Name of <<"enable">> -> enable; <<"disable">> -> disable end,
    Request = #request{user = User, resource = Resource, action = Action, session = self(), deadline = Deadline,
                       iq = strip(IQ), payload = {new, El}},
    %% Pending before the knowledge goes: a statement about the user no longer counts then.
    ets:insert(Requests, [{Ref, Request}, {{User, Ref}}]),
    Action == enable andalso mod_xmpp_push_users:set_some(Tabs, User),
    mod_xmpp_push_state:offer(Tabs, {request, User, Ref}),
    ignore.

strip(IQ) ->
    IQ#iq{sub_els = []}.

%%% The service's side: in the link's process

%% A request as it is sent, once; none when its time is over.
-spec to_send(#tabs{}, pos_integer()) -> {User :: binary(), Resource :: binary(), fxml:xmlel()} | none.
to_send(#tabs{requests = Requests}, Ref) ->
    case ets:lookup(Requests, Ref) of
        [{_, #request{user = User, resource = Resource, payload = {_, El}} = Request}] ->
            ets:insert(Requests, {Ref, Request#request{payload = sent}}),
            {User, Resource, El};
        _ ->
            none
    end.

%% Until what became of the account before is sent.
-spec hold(#tabs{}, pos_integer()) -> ok.
hold(#tabs{requests = Requests}, Ref) ->
    case ets:lookup(Requests, Ref) of
        [{_, #request{payload = {new, El}} = Request}] ->
            ets:insert(Requests, {Ref, Request#request{payload = {held, El}}}),
            ok;
        _ ->
            ok
    end.

%% The user's requests that were held, in their order.
-spec held(#tabs{}, binary()) -> [pos_integer()].
held(#tabs{requests = Requests} = Tabs, User) ->
    [Ref || Ref <- pending(Tabs, User, 0),
            [{_, #request{payload = {held, _}}}] <- [ets:lookup(Requests, Ref)]].

pending(#tabs{requests = Requests} = Tabs, User, After) ->
    case ets:next(Requests, {User, After}) of
        {User, Ref} -> [Ref | pending(Tabs, User, Ref)];
        _ -> []
    end.

%% The account that they were made by has gone since.
-spec abandon_held(#tabs{}, binary()) -> ok.
abandon_held(Tabs, User) ->
    lists:foreach(fun(Ref) -> unavailable(Tabs, Ref) end, held(Tabs, User)).

-spec answer(#tabs{}, fxml:xmlel()) -> ok.
answer(Tabs, El) ->
    case take(Tabs, mod_xmpp_push_frame:number(<<"ref">>, El)) of
        #request{} = Request -> answer(Tabs, Request, El);
        none -> ok
    end.

answer(Tabs, #request{iq = IQ} = Request, El) ->
    case mod_xmpp_push_frame:attr(<<"type">>, El) of
        <<"result">> -> accepted(Tabs, Request), ejabberd_router:route(xmpp:make_iq_result(IQ));
        _ -> ejabberd_router:route(xmpp:make_error(IQ, stanza_error(IQ, El)))
    end.

accepted(Tabs, #request{action = enable, user = User, resource = Resource, session = Session}) ->
    mod_xmpp_push_sessions:enabled(Tabs, User, Resource, Session);
accepted(Tabs, #request{action = disable, user = User, resource = Resource}) ->
    mod_xmpp_push_sessions:disabled(Tabs, User, Resource).

stanza_error(#iq{lang = Lang}, El) ->
    #stanza_error{type = word(<<"etype">>, El, [auth, cancel, continue, modify, wait], wait),
                  reason = word(<<"condition">>, El, conditions(), 'undefined-condition'),
                  text = text(fxml:get_tag_cdata(El), Lang)}.

word(Name, El, Known, Default) ->
    Text = mod_xmpp_push_frame:attr(Name, El),
    case [Word || Word <- Known, atom_to_binary(Word, utf8) == Text] of
        [Word] -> Word;
        [] -> Default
    end.

%% RFC 6120, 8.3.3, but for gone and redirect, which carry an address.
conditions() ->
    ['bad-request', conflict, 'feature-not-implemented', forbidden, 'internal-server-error', 'item-not-found',
     'jid-malformed', 'not-acceptable', 'not-allowed', 'not-authorized', 'policy-violation',
     'recipient-unavailable', 'registration-required', 'remote-server-not-found', 'remote-server-timeout',
     'resource-constraint', 'service-unavailable', 'subscription-required', 'undefined-condition',
     'unexpected-request'].

text(<<>>, _) -> [];
text(Text, Lang) -> xmpp:mk_text(Text, Lang).

%% The request cannot be handed on.
-spec unavailable(#tabs{}, pos_integer()) -> ok.
unavailable(Tabs, Ref) ->
    case take(Tabs, Ref) of
        #request{iq = IQ} -> ejabberd_router:route(unavailable(IQ));
        none -> ok
    end.

%% No request of those that wait will be answered.
-spec abandon(#tabs{}) -> ok.
abandon(#tabs{requests = Requests} = Tabs) ->
    lists:foreach(fun(Ref) -> unavailable(Tabs, Ref) end, [Ref || {Ref, _} <- ets:tab2list(Requests)]).

%% The conditions' own constructors make errors of type cancel; this one passes.
unavailable(#iq{lang = Lang} = IQ) ->
    wait(IQ, 'service-unavailable', xmpp:mk_text(<<"The push service is away, try again later">>, Lang)).

wait(IQ, Condition, Text) ->
    xmpp:make_error(strip(IQ), #stanza_error{type = wait, reason = Condition, text = Text}).

%% Requests are numbered in the order of their deadlines, but for a reload that shortens the time.
-spec expire(#tabs{}, integer()) -> ok.
expire(#tabs{requests = Requests} = Tabs, Now) ->
    case ets:first(Requests) of
        Ref when is_integer(Ref) ->
            #request{deadline = Deadline, iq = #iq{lang = Lang} = IQ} = ets:lookup_element(Requests, Ref, 2),
            expire(Tabs, Now, Deadline, Ref,
                   wait(IQ, 'remote-server-timeout', xmpp:mk_text(<<"The push service did not answer">>, Lang)));
        _ ->
            ok
    end.

expire(Tabs, Now, Deadline, Ref, Error) when Deadline =< Now ->
    _ = take(Tabs, Ref),
    ejabberd_router:route(Error),
    expire(Tabs, Now);
expire(_, _, _, _, _) ->
    ok.

-spec has_pending(#tabs{}, binary()) -> boolean().
has_pending(Tabs, User) ->
    pending(Tabs, User, 0) /= [].

take(#tabs{requests = Requests}, Ref) ->
    case ets:take(Requests, Ref) of
        [{_, #request{user = User} = Request}] ->
            ets:delete(Requests, {User, Ref}),
            Request;
        _ ->
            none
    end.
