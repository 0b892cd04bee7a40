%% The hellos of the adapter and the service, by which a link attaches (docs/protocol.md, 2).
-module(mod_xmpp_push_hello).

-export([own/4, want/2]).

-include("xmpp.hrl").
-include("mod_xmpp_push.hrl").

-define(KINDS, [offline, queued, unacked, lost, archived, revoked, removed, created]).
-define(CONTENTS, [calls, any]).

%% The answer to a hello of this session. With it the service knows what was dropped.
-spec own(binary(), #tabs{}, gen_mod:opts(), binary()) -> fxml:xmlel().
own(Host, Tabs, #{max_in_flight := MaxInFlight}, Session) ->
    {Instance, Got} = mod_xmpp_push_state:get(Tabs, got, {undefined, undefined}),
    Dropped = mod_xmpp_push_state:get(Tabs, dropped, 0),
    mod_xmpp_push_state:bump(Tabs, dropped, -Dropped),
    mod_xmpp_push_frame:hello(
      [{<<"version">>, ?LINK_VERSION},
       {<<"session">>, Session},
       {<<"epoch">>, mod_xmpp_push_state:get(Tabs, epoch)},
       {<<"software">>, <<"ejabberd ", (ejabberd_option:version())/binary>>},
       {<<"instance">>, Instance},
       {<<"got">>, Got},
       {<<"dropped">>, Dropped},
       {<<"places">>, mod_xmpp_push_state:share(MaxInFlight, Tabs)},
       {<<"deferred">>, (mod_xmpp_push_state:get(Tabs, limits))#limits.deferred}], fed(Host) ++ [defer | others(Host)]).

%% The kinds this server can tell of.
fed(Host) ->
    Without = [{mod_stream_mgmt, [queued, unacked, lost]}, {mod_mam, [archived]}],
    ?KINDS -- lists:append([Kinds || {Module, Kinds} <- Without, not gen_mod:is_loaded(Host, Module)]).

%% Names other abilities and modules that the service may want to know of.
others(Host) ->
    [Word || {Module, Word} <- [{mod_mam, archive}, {mod_push, 'own-push'}], gen_mod:is_loaded(Host, Module)].

%% Takes the kinds of events that the service wants from now on.
-spec want(#tabs{}, fxml:xmlel() | false) -> ok.
want(Tabs, #xmlel{} = Want) ->
    Kinds = mod_xmpp_push_frame:words(Want, ?KINDS),
    mod_xmpp_push_state:put(Tabs, kinds, Kinds),
    mod_xmpp_push_state:put(Tabs, contents, mod_xmpp_push_frame:words(Want, ?CONTENTS)),
    mod_xmpp_push_buffer:keep_kinds(Tabs, Kinds);
want(_, false) ->
    ok.
