%% Whether the adapter can work on a host: it is compiled for this ejabberd, and nothing else pushes.
-module(mod_xmpp_push_fit).

-export([problem/1, conflict/1]).

-include("xmpp.hrl").

%% Says why it cannot work, and how to mend that.
-spec problem(binary()) -> none | binary().
problem(Host) ->
    case is_compiled_for_another() of
        true ->
            <<"it was compiled for another ejabberd; compile it for this one, as its README says, and start ejabberd "
              "again">>;
        false ->
            conflict(Host)
    end.

%% Records are part of the compiled files. Of another size, each hook would fail.
is_compiled_for_another() ->
    Here = [decoded(<<"message">>, []), decoded(<<"presence">>, []),
            decoded(<<"iq">>, [{<<"type">>, <<"result">>}, {<<"id">>, <<"1">>}]), jid:make(<<"a">>), xmpp:err_not_allowed()],
    Compiled = [record_info(size, message), record_info(size, presence), record_info(size, iq),
                record_info(size, jid), record_info(size, stanza_error)],
    [tuple_size(Record) || Record <- Here] /= Compiled.

decoded(Name, Attrs) ->
    xmpp:decode(#xmlel{name = Name, attrs = Attrs}, ?NS_CLIENT, []).

%% Whoever started last has the namespace, silently. The configuration does not depend on the order.
-spec conflict(binary()) -> none | binary().
conflict(Host) ->
    Modules = ejabberd_option:modules(Host),
    case {lists:keymember(mod_push, 1, Modules), delegates(lists:keyfind(mod_delegation, 1, Modules))} of
        {true, _} ->
            <<"mod_push would push beside it: remove mod_push and mod_push_keepalive from 'modules', then "
              "ejabberdctl reload_config">>;
        {_, true} ->
            <<"mod_delegation takes ", ?NS_PUSH_0/binary, ": remove that namespace from its option 'namespaces', then "
              "ejabberdctl reload_config">>;
        _ ->
            none
    end.

delegates({_, #{namespaces := Namespaces}, _}) ->
    lists:keymember(?NS_PUSH_0, 1, Namespaces);
delegates(_) ->
    false.
