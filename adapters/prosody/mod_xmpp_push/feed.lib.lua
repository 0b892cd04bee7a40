-- What the server knows of missed messages, turned into events (docs/protocol.md, 3).

local st = require "util.stanza";
local jid = require "util.jid";
local user_exists = require "core.usermanager".user_exists;
local content = module:require "content";
local keys = module:require "keys";

local ipairs, type = ipairs, type;

local xmlns_stanza_id = "urn:xmpp:sid:0";

-- Stanzas of mod_smacks' queues that were told of: the same objects come by at each of its events.
-- Weak, so that an acknowledged one does not stay.
local told = setmetatable({}, { __mode = "k" });

-- A copy of a message that is fit to be sent inside another stanza.
local function embed(message, stanza_id)
	local copy = st.clone(message);
	copy.attr.xmlns = "jabber:client";
	if stanza_id then copy:add_child(st.stanza("stanza-id", stanza_id)); end
	return copy;
end

-- The cheapest refusals come first: most messages are for users without push, or say nothing.
local function tell(self, shard, kind, user, resource, message, stanza_id)
	if message.name ~= "message" or shard.users:has_none(user) or not shard.link:wants(kind) then return; end
	local account = user.."@"..self.host;
	local has_content = content.judge(message, account, shard.link:want());
	if has_content == nil then return; end
	local key = keys.key_of(message, account, stanza_id and stanza_id.id);
	shard.sender:tell(kind, user, resource, embed(message, stanza_id), has_content, key);
end

local function miss(self, kind, user, resource, message)
	if user then tell(self, self.shard_of(user), kind, user, resource, message); end
end

-- mod_smacks gives a plain table, its releases before 0.12 the queue itself.
local function each_queued(queue, f)
	if type(queue.table) == "function" then queue = queue:table(); end
	for _, stanza in ipairs(queue) do f(stanza); end
end

local function unacknowledged(self, event)
	local session = event.origin;
	if not session.username then return; end
	local shard = self.shard_of(session.username);
	if shard.users:has_none(session.username) then return; end
	each_queued(event.queue, function (stanza)
		if told[stanza] then return; end
		told[stanza] = true;
		tell(self, shard, "unacked", session.username, session.resource, stanza);
	end);
end

local function queued(self, event)
	told[event.stanza] = true;
	miss(self, "queued", event.origin.username, event.origin.resource, event.stanza);
end

local function lost(self, event)
	local session = event.session;
	if not session.username then return; end      -- an s2s connection
	self.sessions.end_session(session);
	miss(self, "lost", session.username, session.resource, event.stanza);
end

-- Archived for the user, and not by the user for somebody of the same localpart elsewhere.
local function archived(self, event)
	local user, stanza = event.for_user, event.stanza;
	if not user then return; end
	local shard = self.shard_of(user);
	if shard.users:has_none(user) then return; end
	local account = user.."@"..self.host;
	if jid.bare(stanza.attr.to) ~= account or not self.sessions.has_any(account) then return; end
	-- The archive's stanza has no id of the archive yet; with it the service knows the message again.
	tell(self, shard, "archived", user, nil, stanza, { xmlns = xmlns_stanza_id; by = account; id = event.id });
end

-- As mod_offline does: whoever fires the event need not name the user.
local function addressee(event)
	local to = event.stanza.attr.to;
	return to and jid.split(to) or event.origin.username;
end

-- A push service tells the user, wherever they are, that it has ended a registration.
local function revoked(self, event)
	local user = addressee(event);
	if not user then return; end
	local message, about = content.revocation(event.stanza, user.."@"..self.host);
	if not message then return; end
	local shard = self.shard_of(user);
	if shard.users:has_none(user) or not shard.link:wants("revoked") or not user_exists(user, self.host) then return; end
	shard.sender:revoke(user, about, message);
end

local function about_resource(resource)
	return function (entry) return entry.resource == resource; end
end

local function missed_by_all(entry)
	return entry.kind == "offline" or entry.kind == "lost";
end

local function session_is_back(self, session)
	local user = session.username;
	if user then self.shard_of(user).sender:withdraw(user, about_resource(session.resource)); end
end

local function reached_again(self, session)
	local user = session.username;
	if user then self.shard_of(user).sender:user_is_back(user, session.resource); end
end

local function resumed(self, event)
	local session = event.resumed or event.origin;
	session_is_back(self, session);
	reached_again(self, session);
	-- Sent again now; if that is not acknowledged either, it is missed anew.
	each_queued(event.queue, function (stanza) told[stanza] = nil; end);
end

local function is_reachable(session)
	return session.presence ~= nil and (session.priority or 0) >= 0;
end

-- Before anybody copies it for a session, an archive or as a carbon. Most users have no push.
local function mark(self, event)
	local user = jid.split(event.stanza.attr.to);
	if not user or self.shard_of(user).users:has_none(user) then return; end
	keys.mark(event.stanza);
end

-- Hooks. The wrappers see what came of an event: their own part is guarded, the server's is not touched.

-- Only a true result (mod_offline gives the id) says that the message was kept; refused, say over quota, it is the sender's again.
local function watch_offline(self)
	local tell_kept = self.guard.wrap("an offline message", function (event)
		miss(self, "offline", addressee(event), nil, event.stanza);
	end);
	module:wrap_event("message/offline/handle", function (handlers, name, event)
		local result = handlers(name, event);
		if result then tell_kept(event); end
		return result;
	end);
end

-- A room sends these for members who are not in it (mod_muc_offline_delivery), and keeps them itself. A client is no room.
local function absent_from_room(self, event)
	if event.origin.type ~= "c2s" then miss(self, "offline", addressee(event), nil, event.stanza); end
end

-- Own presence has no `to`. There is no event after it, and none for a priority that changes.
local function watch_presence(self)
	local withdraw = self.guard.wrap("presence", function (session)
		self.shard_of(session.username).sender:withdraw(session.username, missed_by_all);
		reached_again(self, session);
	end);
	module:wrap_event("presence/bare", function (handlers, name, event)
		local session = event.origin;
		if event.stanza.attr.to or session.type ~= "c2s" then return handlers(name, event); end
		local was_reachable = is_reachable(session);
		local result = handlers(name, event);
		if not was_reachable and session.username and is_reachable(session) then withdraw(session); end
		return result;
	end);
end

local function watch_push_services(self)
	local watch = self.guard.wrap("a message", function (event) revoked(self, event); end);
	for _, name in ipairs { "message/bare", "message/full" } do module:hook(name, watch, 1); end
end

local function watch_accounts(self)
	local function record(kind, event)
		local shard = self.shard_of(event.username);
		if not shard.link:wants(kind) then return; end
		shard.users:forget(event.username);
		shard.sender:record(kind, event.username);
	end
	module:hook("user-registered", self.guard.wrap("a registration", function (event) record("created", event); end));
	module:hook_global("user-deleted", self.guard.wrap("a removal", function (event)
		if event.host == self.host then record("removed", event); end
	end));
end

local function watch_sessions(self)
	local function watch(event, handler, priority)
		module:hook(event, self.guard.wrap(event, function (data) handler(self, data); end), priority);
	end
	watch("smacks-hibernation-start", unacknowledged);
	watch("smacks-ack-delayed", unacknowledged);
	watch("smacks-hibernation-stanza-queued", queued);
	watch("smacks-hibernation-end", resumed);
	watch("delivery/failure", lost, 1);      -- before mod_smacks, which stores it or drops it silently
	watch("archive-message-added", archived);
	watch("message/bare/groupchat", absent_from_room, 1);
	watch("message/bare", mark, 0.5);      -- before mod_mam (0) and mod_carbons (-0.5)
	watch("message/full", mark, 0.5);
	watch("resource-bind", function (_, event) session_is_back(self, event.session); end);
end

-- Hooks everything that tells of messages, sessions and accounts, for the users of all shards.
local function hook(shards, sessions, guard)
	local self = { shard_of = shards.of, host = module.host, sessions = sessions, guard = guard };
	watch_offline(self);
	watch_presence(self);
	watch_push_services(self);
	watch_accounts(self);
	watch_sessions(self);
end

return { hook = hook };
