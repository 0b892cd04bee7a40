%% What the adapter's modules share. The link itself is specified in docs/protocol.md.

-define(NS_LINK, <<"urn:x-xmpp-push:link">>).
-define(LINK_VERSION, 2).

%% The adapter's end of the link is HOST/xmpp-push.
-define(LINK_RESOURCE, <<"xmpp-push">>).

%% To be raised when one of the records below changes: tables of another layout are freed, files left out.
-define(LAYOUT, 8).

%% Events of accounts that come and go. They are never joined with others of another kind, and come first.
-define(is_journal(Kind), (Kind == removed orelse Kind == created)).

%% One link's state. The tables are public, because hooks run in the processes of the sessions, and
%% have an heir, so that a crash or a restart of the module loses nothing.
-record(tabs,
        {proc :: atom(),                   % registered name of the link's process
         component :: binary(),            % the service at the other end
         links :: pos_integer(),           % of the host: its bounds are divided among them
         host :: ets:tid(),                % {Key, Value}: of all links of the host
         sessions :: ets:tid(),            % {Pid, Hibernated | ended, Csi}, {{enabled, User, Resource}, Pid}: of all, too
         meta :: ets:tid(),                % {Key, Value}: counters and what the service said last
         inbox :: ets:tid(),               % {Order, Item}: what hooks have seen and the process has not
         journal :: ets:tid(),             % {Order, #event{}}: accounts that came or went, without a number
         waiting :: ets:tid(),             % {order(), #event{}}: missed messages without a number
         outstanding :: ets:tid(),         % {Number, #event{}}: sent and not acknowledged
         deferred :: ets:tid(),            % {deferred(), #event{}}: what waits for a push service
         index :: ets:tid(),               % these four by user
         marks :: ets:tid(),               % {{What, Of}}: of the deferred, see mod_xmpp_push_deferred
         withdrawn :: ets:tid(),           % {Number}: told to be over, and not acknowledged
         users :: ets:tid(),               % {User}: known to have no registration
         requests :: ets:tid(),            % {Ref, #request{}} and {{User, Ref}}
         in_flight :: ets:tid(),           % {{Instance, Ref}, Deadline, User}: publishes without an outcome
         places :: ets:tid(),              % {User, Count}: how many of them are a user's
         outcomes :: ets:tid(),            % {Order, #xmlel{}}: kept while detached
         flags :: atomics:atomics_ref()}).

%% The link's part of the host's bounds.
-record(limits,
        {entries :: pos_integer(),
         per_user :: pos_integer(),        % not a part: a user has one link
         bytes :: pos_integer(),
         journal :: pos_integer(),
         deferred :: pos_integer(),
         deferred_per_user :: pos_integer(), % likewise
         known :: pos_integer()}).

-type kind() :: offline | queued | unacked | lost | archived | revoked | removed | created.

%% The place of an event that waits. One that is held is not sent before another of the user is done.
-type order() :: pos_integer() | {held, User :: binary(), pos_integer()}.

%% A missed message, or several of one user, resource and kind collapsed into one; or what a push service has revoked.
-record(event,
        {kind :: kind(),
         user :: binary(),
         resource = <<>> :: binary(),
         about = none :: none | registration(),
         count = 1 :: pos_integer(),
         first = 0 :: integer(),           % when the first was missed, Unix milliseconds
         last = 0 :: integer(),            % when the last was
         message = none :: none | fxml:xmlel(),
         content = false :: boolean(),     % whether the message has one (docs/protocol.md, 3.2)
         size = 0 :: non_neg_integer(),    % of the message, bytes, roughly
         keys = [] :: [binary()],          % of the newest messages, the newest last (docs/protocol.md, 3.5)
         was = none :: none | {Epoch :: binary(), pos_integer()},
         for = [] :: [recipient()],        % since it was deferred
         back = [] :: [binary()]}).        % resources that take messages again since it was told

%% A registration that was revoked: the push service's bare JID and its node.
-type registration() :: {Service :: binary(), Node :: binary()}.

%% The service's name for a recipient, and the resource that it was registered in, if that is known.
-type recipient() :: {Id :: binary(), Resource :: binary() | undefined}.

%% The key of a deferred event: its number, or its order when the number was of another epoch or link. The latter are older.
-type deferred() :: {former, pos_integer()} | {number, pos_integer()}.

%% What the process is to make of an item of the inbox: an event, a user who is back, or a request.
-type item() :: #event{} | {back(), User :: binary(), Resource :: binary()}
              | {request, User :: binary(), Ref :: pos_integer()}.

%% A session has opened, was resumed, or has become available for messages.
-type back() :: opened | resumed | available.

%% A session as the service is told of it.
-record(session,
        {resource :: binary(),
         priority :: integer() | undefined,
         hibernated = false :: boolean(),
         csi :: active | inactive | undefined,
         enabled = false :: boolean()}).

%% An enable or disable that waits for the service's answer; iq is emptied, since its payload may hold secrets. The
%% payload is kept until it is sent: held is one that waits for what the service has to know of the account before.
-record(request,
        {user :: binary(),
         resource :: binary(),
         action :: enable | disable,
         session :: pid(),
         deadline :: integer(),
         iq :: xmpp:iq(),
         payload :: {new | held, fxml:xmlel()} | sent}).
