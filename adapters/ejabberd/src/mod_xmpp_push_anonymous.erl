%% Guests: users by SASL ANONYMOUS. ejabberd tells of them as of accounts that are made with the first session and
%% removed with the last, in the process of that session. By then it knows no more how they had logged in.
-module(mod_xmpp_push_anonymous).

-export([opened/2, is_guest/1]).

-define(GUEST, {?MODULE, guest}).

%% A session of this user opens in the calling process.
-spec opened(binary(), ejabberd_sm:info()) -> ok.
opened(User, Info) ->
    _ = proplists:get_value(auth_module, Info) == ejabberd_auth_anonymous andalso put(?GUEST, User),
    ok.

%% Whether the calling process is a session of this guest.
-spec is_guest(binary()) -> boolean().
is_guest(User) ->
    get(?GUEST) == User.
