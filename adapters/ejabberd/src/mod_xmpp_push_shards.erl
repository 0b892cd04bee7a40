%% Which link serves whom (docs/protocol.md, 7): by user for the hooks, by component for the service.
-module(mod_xmpp_push_shards).

-export([components/1, open/2]).
-export([find/1, find/2, of_component/2, of_host/1, all/1, pick/3]).

-include("logger.hrl").
-include("mod_xmpp_push.hrl").

%% The tables of the host's links, in the order of the components. A term that is read without being copied:
%% a host with one link has it at hand, without a tuple around it and without hashing anything.
-type shards() :: #tabs{} | tuple().

-export_type([shards/0]).

%%% Life

%% One name is a list of one.
-spec components(gen_mod:opts()) -> [binary(), ...].
components(#{component := Components}) when is_list(Components) -> Components;
components(#{component := Component}) -> [Component].

%% The tables for these options: made when there are none, and arranged anew when they are of another list.
%% Called while none of the host's links runs.
-spec open(binary(), gen_mod:opts()) -> [#tabs{}, ...].
open(Host, Options) ->
    Components = components(Options),
    Old = all(Host),
    All = case [Component || #tabs{component = Component} <- Old] of
              Components -> Old;
              _ -> mod_xmpp_push_state:create(Host, Components, Old)
          end,
    lists:foreach(fun(Tabs) -> mod_xmpp_push_state:limit(Tabs, Options) end, All),
    mod_xmpp_push_state:host_put(hd(All), stopping, false),
    fill(Host, Old, All),
    All.

fill(_, All, All) ->
    ok;
fill(Host, [], All) ->
    free_others(Host),
    publish(Host, All),
    mod_xmpp_push_spool:read(Host, All);
fill(Host, Old, All) ->
    mod_xmpp_push_reshard:move(Host, Old, shards(All)),
    publish(Host, All),
    mod_xmpp_push_reshard:retire(Host, Old).

%% Another version of the module may have left tables of another layout, which nobody can read.
free_others(Host) ->
    lists:foreach(fun({{?MODULE, Layout, Of} = Key, Others}) when Of == Host, Layout /= ?LAYOUT -> free(Host, Key, Others);
                     (_) -> ok
                  end, persistent_term:get()).

free(Host, Key, Others) ->
    Tables = lists:filter(fun(Table) -> lists:member(Table, ets:all()) end, parts(Others)),
    Tables == [] orelse
        ?WARNING_MSG("mod_xmpp_push on ~ts: what another version of it kept is freed, for its layout is another; missed messages "
                     "that were not acknowledged are lost", [Host]),
    lists:foreach(fun ets:delete/1, Tables),
    persistent_term:erase(Key).

%% One record of tables, or a tuple of those.
parts(Others) ->
    lists:usort(lists:flatmap(fun(Part) when is_tuple(Part) -> tuple_to_list(Part);
                                 (Part) -> [Part]
                              end, tuple_to_list(Others))).

publish(Host, All) ->
    persistent_term:put({?MODULE, ?LAYOUT, Host}, shards(All)).

shards([Tabs]) -> Tabs;
shards(All) -> list_to_tuple(All).

%%% Look-up

%% The first link's tables: for what all links of the host have in common.
-spec find(binary()) -> #tabs{} | undefined.
find(Host) ->
    case of_host(Host) of
        undefined -> undefined;
        #tabs{} = Tabs -> alive(Tabs);
        Shards -> alive(element(1, Shards))
    end.

%% The tables of the link that serves the user.
-spec find(binary(), binary()) -> #tabs{} | undefined.
find(User, Host) ->
    case of_host(Host) of
        undefined -> undefined;
        Shards -> alive(pick(User, Host, Shards))
    end.

-spec pick(binary(), binary(), shards()) -> #tabs{}.
pick(_, _, #tabs{} = Tabs) ->
    Tabs;
pick(User, Host, Shards) ->
    <<Bucket:16, _/binary>> = crypto:hash(sha256, [User, $@, Host]),
    element(1 + (Bucket * tuple_size(Shards) bsr 16), Shards).

%% The tables of the link to a component.
-spec of_component(binary(), binary()) -> #tabs{} | undefined.
of_component(Host, Component) ->
    case lists:keyfind(Component, #tabs.component, all(Host)) of
        false -> undefined;
        Tabs -> Tabs
    end.

-spec all(binary()) -> [#tabs{}].
all(Host) ->
    case {find(Host), of_host(Host)} of
        {undefined, _} -> [];
        {_, #tabs{} = Tabs} -> [Tabs];
        {_, Shards} -> tuple_to_list(Shards)
    end.

-spec of_host(binary()) -> shards() | undefined.
of_host(Host) ->
    persistent_term:get({?MODULE, ?LAYOUT, Host}, undefined).

%% The tables went with an ejabberd that was stopped, and the term stayed with its node.
alive(#tabs{meta = Meta} = Tabs) ->
    case ets:info(Meta, type) of
        undefined -> undefined;
        _ -> Tabs
    end.
