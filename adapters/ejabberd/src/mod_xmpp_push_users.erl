%% Who has push, as far as the service has said (docs/protocol.md, 4). Kept are those who have none.
-module(mod_xmpp_push_users).

-export([has_none/2, set_some/2, hello/3, statements/2, forget/1]).

-include("xmpp.hrl").
-include("mod_xmpp_push.hrl").

-spec has_none(#tabs{}, binary()) -> boolean().
has_none(#tabs{users = Users}, User) ->
    ets:member(Users, User).

-spec set_some(#tabs{}, binary()) -> true.
set_some(#tabs{users = Users}, User) ->
    ets:delete(Users, User).

%% At a hello: what is known holds only if it is all that this run of the service has said.
-spec hello(#tabs{}, binary(), non_neg_integer()) -> ok.
hello(Tabs, Instance, Number) ->
    case mod_xmpp_push_state:get(Tabs, known, none) of
        {Instance, Number} -> ok;
        _ -> forget(Tabs, Instance, Number)
    end.

%% A gap means that a statement is missing, which may have been about somebody's first registration.
-spec statements(#tabs{}, fxml:xmlel()) -> ok.
statements(Tabs, #xmlel{children = Children} = El) ->
    {Instance, Last} = mod_xmpp_push_state:get(Tabs, known),
    case {mod_xmpp_push_frame:number(<<"n">>, El), mod_xmpp_push_frame:attr(<<"reset">>, El)} of
        {none, _} -> forget(Tabs, Instance, 0);
        {Number, Reset} when Number == Last + 1, Reset /= <<"1">> ->
            mod_xmpp_push_state:put(Tabs, known, {Instance, Number});
        {Number, _} -> forget(Tabs, Instance, Number)
    end,
    lists:foreach(fun(Statement) -> statement(Tabs, Statement) end, Children).

%% The next hello starts anew, whatever its numbers.
-spec forget(#tabs{}) -> ok.
forget(Tabs) ->
    forget(Tabs, none, 0).

forget(#tabs{users = Users} = Tabs, Instance, Number) ->
    ets:delete_all_objects(Users),
    mod_xmpp_push_state:put(Tabs, known, {Instance, Number}),
    ok.

statement(Tabs, #xmlel{name = <<"none">>} = El) ->
    User = fxml:get_tag_cdata(El),
    mod_xmpp_push_request:has_pending(Tabs, User) orelse set_none(Tabs, User);
statement(Tabs, #xmlel{name = <<"some">>} = El) ->
    set_some(Tabs, fxml:get_tag_cdata(El));
statement(_, _) ->
    ok.

%% Over the bound all is forgotten but the statements' numbers: that costs one event of each user.
set_none(#tabs{users = Users} = Tabs, User) ->
    #limits{known = Max} = mod_xmpp_push_state:get(Tabs, limits),
    ets:info(Users, size) >= Max andalso ets:delete_all_objects(Users),
    ets:insert(Users, {User}),
    mod_xmpp_push_buffer:void(Tabs, User),
    mod_xmpp_push_deferred:void(Tabs, User).
