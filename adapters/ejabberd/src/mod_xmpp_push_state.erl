%% A link's tables: their life, and the parts that hooks use directly.
-module(mod_xmpp_push_state).

-export([create/3, delete/2, limit/2, share/2]).
-export([get/2, get/3, put/3, bump/2, bump/3, host_get/3, host_put/3, changed/1, take_changed/1]).
-export([offer/2, hand_over/2, awake/1, take/1, inbox/1, is_idle/2]).

-include("mod_xmpp_push.hrl").

%% Slots of #tabs.flags.
-define(POKED, 1).
-define(INBOX_BYTES, 2).

%%% Life

%% Tables for these components, in their order. A component that had a link before has its tables again, all but
%% the inbox: hooks may still put into the former one what is for another link now.
-spec create(binary(), [binary(), ...], [#tabs{}]) -> [#tabs{}, ...].
create(Host, Components, Old) ->
    Common = common(Old),
    Links = length(Components),
    [case lists:keyfind(Component, #tabs.component, Old) of
         false -> create_link(Host, Component, Links, Common);
         Tabs -> Tabs#tabs{links = Links, inbox = new_inbox(), flags = new_flags()}
     end || Component <- Components].

common([]) -> {new(set, []), new(set, [{write_concurrency, true}])};
common([#tabs{host = Table, sessions = Sessions} | _]) -> {Table, Sessions}.

create_link(Host, Component, Links, {Table, Sessions}) ->
    Tabs = #tabs{proc = name(Host, Table),
                 component = Component,
                 links = Links,
                 host = Table,
                 sessions = Sessions,
                 meta = new(set, [{read_concurrency, true}]),
                 inbox = new_inbox(),
                 journal = new(ordered_set, []),
                 waiting = new(ordered_set, []),
                 outstanding = new(ordered_set, []),
                 deferred = new(ordered_set, []),
                 index = new(ordered_set, []),
                 marks = new(ordered_set, []),
                 withdrawn = new(ordered_set, []),
                 users = new(set, [{read_concurrency, true}]),
                 requests = new(ordered_set, [{write_concurrency, true}]),
                 in_flight = new(set, []),
                 places = new(set, []),
                 outcomes = new(ordered_set, []),
                 flags = new_flags()},
    put(Tabs, epoch, binary:encode_hex(crypto:strong_rand_bytes(8))),
    Tabs.

%% Numbered, since the names of a host and a component do not always fit into one atom.
name(Host, Table) ->
    Number = ets:update_counter(Table, links, 1, {links, 0}),
    gen_mod:get_module_proc(<<Host/binary, $_, (integer_to_binary(Number))/binary>>, mod_xmpp_push).

new_inbox() ->
    new(ordered_set, [{write_concurrency, true}]).

new_flags() ->
    atomics:new(2, [{signed, true}]).

new(Type, More) ->
    ets:new(?MODULE, [Type, public, {heir, application_master(), none} | More]).

%% A process that lives as long as ejabberd does. The group leader of whoever started the module is not
%% enough: from ejabberdctl that is a process of another node.
application_master() ->
    {group_leader, Pid} = process_info(whereis(ejabberd_sup), group_leader),
    Pid.

%% The bounds of what is kept: the link's part of the host's.
-spec limit(#tabs{}, gen_mod:opts()) -> true.
limit(Tabs, #{buffer_entries := Entries, buffer_entries_per_user := PerUser, buffer_bytes := Bytes,
              journal_entries := Journal, max_deferred := Deferred, max_deferred_per_user := DeferredPerUser,
              known_users := Known}) ->
    put(Tabs, limits, #limits{entries = share(Entries, Tabs), per_user = PerUser, bytes = share(Bytes, Tabs), journal = share(Journal, Tabs),
                              deferred = share(Deferred, Tabs), deferred_per_user = DeferredPerUser, known = share(Known, Tabs)}).

-spec share(pos_integer(), #tabs{}) -> pos_integer().
share(Bound, #tabs{links = Links}) ->
    max(1, Bound div Links).

%% Removes the tables of the first that none of the second has.
-spec delete([#tabs{}], [#tabs{}]) -> ok.
delete(Gone, Kept) ->
    lists:foreach(fun ets:delete/1,
                  lists:usort(lists:flatmap(fun tables/1, Gone)) -- lists:flatmap(fun tables/1, Kept)).

tables(#tabs{meta = Meta, inbox = Inbox, journal = Journal, waiting = Waiting, outstanding = Outstanding,
             deferred = Deferred, index = Index, marks = Marks, withdrawn = Withdrawn, users = Users,
             requests = Requests, in_flight = InFlight, places = Places, outcomes = Outcomes}) ->
    [Meta, Inbox, Journal, Waiting, Outstanding, Deferred, Index, Marks, Withdrawn, Users, Requests, InFlight, Places,
     Outcomes].

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

%% What all links of the host have in common.
-spec host_get(#tabs{}, term(), term()) -> term().
host_get(#tabs{host = Table}, Key, Default) ->
    case ets:lookup(Table, Key) of
        [{_, Value}] -> Value;
        [] -> Default
    end.

-spec host_put(#tabs{}, term(), term()) -> true.
host_put(#tabs{host = Table}, Key, Value) ->
    ets:insert(Table, {Key, Value}).

%% Notes that the deferred events have changed since they were written down (mod_xmpp_push_spool).
-spec changed(#tabs{}) -> true.
changed(Tabs) ->
    put(Tabs, changed, true).

%% Whether it is other than when this was asked before.
-spec take_changed(#tabs{}) -> boolean().
take_changed(Tabs) ->
    Changed = get(Tabs, changed, false),
    put(Tabs, changed, false),
    Changed.

%%% Inbox
%%
%% Hooks write here instead of to the process's mailbox: it is bounded, and outlives the process.

-spec offer(#tabs{}, item()) -> ok.
offer(Tabs, Item) ->
    offer(Tabs, erlang:unique_integer([monotonic]), Item).

offer(#tabs{inbox = Inbox} = Tabs, Order, Item) ->
    #limits{entries = MaxEntries, bytes = MaxBytes} = get(Tabs, limits),
    case must_not_be_missed(Item) orelse ets:info(Inbox, size) < MaxEntries of
        true ->
            ets:insert(Inbox, {Order, weigh(Tabs, Item, MaxBytes)}),
            poke(Tabs);
        false ->
            drop(Tabs, Item)
    end.

%% The account's own life is rare, and is bounded when it leaves the inbox; requests are bounded when they are made.
must_not_be_missed(#event{kind = Kind}) -> ?is_journal(Kind);
must_not_be_missed({request, _, _}) -> true;
must_not_be_missed(_) -> false.

%% Each item of the inbox into the one that Target names, in its place among those that are there.
-spec hand_over(#tabs{}, fun((item()) -> #tabs{})) -> ok.
hand_over(Tabs, Target) ->
    case take_row(Tabs) of
        {Order, Item} ->
            hand_over(Tabs, Target(Item), Order, Item),
            hand_over(Tabs, Target);
        empty ->
            ok
    end.

%% A request has its number at the link that it was made at, and is abandoned with it.
hand_over(#tabs{requests = Requests}, #tabs{requests = Others}, _, {request, _, _}) when Requests /= Others ->
    ok;
hand_over(_, To, Order, Item) ->
    offer(To, Order, Item).

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

%% That somebody is back may be missed.
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
take(Tabs) ->
    case take_row(Tabs) of
        {_, Item} -> {ok, Item};
        empty -> empty
    end.

take_row(#tabs{inbox = Inbox} = Tabs) ->
    case ets:first(Inbox) of
        '$end_of_table' ->
            empty;
        Order ->
            [{_, Item} = Row] = ets:take(Inbox, Order),
            lighten(Tabs, Item),
            Row
    end.

-spec inbox(#tabs{}) -> [item()].
inbox(#tabs{inbox = Inbox}) ->
    [Item || {_, Item} <- ets:tab2list(Inbox)].

lighten(#tabs{flags = Flags}, #event{size = Size}) ->
    atomics:sub(Flags, ?INBOX_BYTES, Size);
lighten(_, _) ->
    ok.

%% Nothing is kept or on its way in for this user. The inbox is looked at first: what leaves it is indexed
%% before the next look.
-spec is_idle(#tabs{}, binary()) -> boolean().
is_idle(#tabs{inbox = Inbox} = Tabs, User) ->
    ets:info(Inbox, size) == 0 andalso not mod_xmpp_push_buffer:keeps(Tabs, User).
