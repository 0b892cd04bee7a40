%% The link's elements: written and read, and nothing else (docs/protocol.md).
-module(mod_xmpp_push_frame).

-export([frames/1, attr/2, number/2, words/2, ranges/1, recipients/1]).
-export([knock/0, pong/0, hello/2, event/4, withdraw/2, outcome/3, request/4]).

-include("xmpp.hrl").
-include("mod_xmpp_push.hrl").

%% Of a deferred event; bytes of the id of one.
-define(MAX_RECIPIENTS, 50).
-define(MAX_ID, 64).

%%% Reading

%% The link's elements in a message, in order.
-spec frames(xmpp:message()) -> [fxml:xmlel()].
frames(Message) ->
    [El || #xmlel{} = El <- xmpp:get_els(Message), fxml:get_tag_attr_s(<<"xmlns">>, El) == ?NS_LINK].

%% Empty when absent: no attribute of the link means anything when empty.
-spec attr(binary(), fxml:xmlel()) -> binary().
attr(Name, El) ->
    fxml:get_tag_attr_s(Name, El).

-spec number(binary(), fxml:xmlel()) -> non_neg_integer() | none.
number(Name, El) ->
    to_number(attr(Name, El)).

%% The words of a child that are among those known.
-spec words(fxml:xmlel(), [atom()]) -> [atom()].
words(Child, Known) ->
    Words = binary:split(fxml:get_tag_cdata(Child), <<" ">>, [global, trim_all]),
    [Word || Word <- Known, lists:member(atom_to_binary(Word, utf8), Words)].

-spec ranges(binary()) -> [{non_neg_integer(), non_neg_integer()}].
ranges(Text) ->
    lists:filtermap(fun range/1, binary:split(Text, <<" ">>, [global, trim_all])).

range(Word) ->
    case [to_number(Part) || Part <- binary:split(Word, <<"-">>)] of
        [N] when is_integer(N) -> {true, {N, N}};
        [From, To] when is_integer(From), is_integer(To) -> {true, {From, To}};
        _ -> false
    end.

%% Those of a deferral: at most so many, of ids that are not too long.
-spec recipients(fxml:xmlel()) -> [recipient()].
recipients(#xmlel{children = Children}) ->
    Named = [{attr(<<"id">>, El), unless(attr(<<"r">>, El), <<>>)} || #xmlel{name = <<"for">>} = El <- Children],
    lists:sublist([For || {Id, _} = For <- Named, Id /= <<>>, byte_size(Id) =< ?MAX_ID], ?MAX_RECIPIENTS).

to_number(Digits) ->
    case re:run(Digits, "^[0-9]{1,19}$", [{capture, none}]) of
        match -> binary_to_integer(Digits);
        nomatch -> none
    end.

%%% Writing

-spec knock() -> fxml:xmlel().
knock() ->
    frame(<<"knock">>, [], []).

-spec pong() -> fxml:xmlel().
pong() ->
    frame(<<"pong">>, [], []).

-spec hello([{binary(), term()}], [atom()]) -> fxml:xmlel().
hello(Attrs, Words) ->
    Can = lists:join(<<" ">>, [atom_to_binary(Word, utf8) || Word <- Words]),
    frame(<<"hello">>, Attrs,
          [#xmlel{name = <<"can">>, children = [{xmlcdata, iolist_to_binary(Can)}]}]).

%% An event as it is at Now (Unix milliseconds), with the user's sessions at that moment.
-spec event(pos_integer(), #event{}, [#session{}], integer()) -> fxml:xmlel().
event(Number, #event{} = Event, Sessions, Now) ->
    frame(<<"event">>,
          [{<<"n">>, Number},
           {<<"kind">>, Event#event.kind},
           {<<"user">>, Event#event.user},
           {<<"resource">>, unless(Event#event.resource, <<>>)},
           {<<"count">>, unless(Event#event.count, 1)},
           {<<"first">>, first(Event, Now)},
           {<<"last">>, last(Event, Now)},
           {<<"keys">>, keys(Event#event.keys)},
           {<<"was">>, was(Event#event.was)}],
          [session(Session) || Session <- Sessions] ++ [recipient(For) || For <- Event#event.for]
          ++ [Message || #xmlel{} = Message <- [Event#event.message]]).

%% Within the second counts as now; but a registration may be enabled anew right after it was revoked.
first(#event{kind = revoked, first = First}, _) -> First;
first(#event{first = First}, Now) when Now - First < 1000 -> undefined;
first(#event{first = First}, _) -> First.

%% Nothing after what counts as now.
last(#event{kind = revoked, first = First, last = Last}, _) when Last > First -> Last;
last(#event{first = First, last = Last}, Now) when Last == First; Now - First < 1000 -> undefined;
last(#event{last = Last}, _) -> Last.

keys([]) -> undefined;
keys(Keys) -> iolist_to_binary(lists:join(<<" ">>, Keys)).

was(none) -> undefined;
was({Epoch, Number}) -> <<Epoch/binary, $:, (integer_to_binary(Number))/binary>>.

session(#session{resource = Resource, priority = Priority, hibernated = Hibernated, csi = Csi, enabled = Enabled}) ->
    element(<<"s">>, [{<<"r">>, Resource}, {<<"p">>, Priority}, {<<"h">>, flag(Hibernated)}, {<<"c">>, Csi},
                      {<<"e">>, flag(Enabled)}], []).

recipient({Id, Resource}) ->
    element(<<"for">>, [{<<"id">>, Id}, {<<"r">>, Resource}], []).

-spec withdraw(binary(), [pos_integer()]) -> fxml:xmlel().
withdraw(Session, Numbers) ->
    Text = lists:join(<<" ">>, [range_text(Range) || Range <- to_ranges(lists:usort(Numbers))]),
    frame(<<"withdraw">>, [{<<"session">>, Session}], [{xmlcdata, iolist_to_binary(Text)}]).

to_ranges([]) -> [];
to_ranges([First | Rest]) -> to_ranges(Rest, {First, First}).

to_ranges([N | Rest], {From, To}) when N == To + 1 -> to_ranges(Rest, {From, N});
to_ranges(Rest, Range) -> [Range | to_ranges(Rest)].

range_text({N, N}) -> integer_to_binary(N);
range_text({From, To}) -> [integer_to_binary(From), $-, integer_to_binary(To)].

%% With the text of an error, if it has one.
-spec outcome(pos_integer(), [{binary(), term()}], binary()) -> fxml:xmlel().
outcome(Ref, Attrs, Text) ->
    frame(<<"outcome">>, [{<<"ref">>, Ref} | Attrs], [{xmlcdata, Text} || Text /= <<>>]).

-spec request(pos_integer(), binary(), binary(), fxml:xmlel()) -> fxml:xmlel().
request(Ref, User, Resource, Payload) ->
    frame(<<"request">>, [{<<"ref">>, Ref}, {<<"user">>, User}, {<<"resource">>, Resource}], [Payload]).

frame(Name, Attrs, Children) ->
    element(Name, [{<<"xmlns">>, ?NS_LINK} | Attrs], Children).

element(Name, Attrs, Children) ->
    #xmlel{name = Name, attrs = [{Key, text(Value)} || {Key, Value} <- Attrs, Value /= undefined], children = Children}.

text(Value) when is_binary(Value) -> Value;
text(Value) when is_integer(Value) -> integer_to_binary(Value);
text(Value) when is_atom(Value) -> atom_to_binary(Value, utf8).

flag(true) -> 1;
flag(false) -> undefined.

unless(Value, Value) -> undefined;
unless(Value, _) -> Value.
