-- The clients' <enable/> and <disable/> (XEP-0357, 5), relayed to the service (docs/protocol.md, 6).

local st = require "util.stanza";
local monotonic = require "util.time".monotonic;

local pairs, ipairs = pairs, ipairs;

local xmlns_push = "urn:xmpp:push:0";
local xmlns_stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";

local not_available = "Push notifications are not available right now";

local Requests = {};
Requests.__index = Requests;

local function fresh()
	return {
		waiting = {};          -- ref -> { id, to, session, user, is_enable, deadline, message, last_event }; the message until it is sent
		count = 0;
		serial = 0;            -- makes the refs
		asking = {};           -- localpart -> number of requests waiting
	};
end

-- `kept` is made by fresh() and survives a reload; `users` is told of an enable; `sender` keeps requests and events in order;
-- `sessions` remembers who has enabled push.
local function new(kept, link, users, sender, sessions, options)
	return setmetatable({ kept = kept, link = link, users = users, sender = sender, sessions = sessions, options = options }, Requests);
end

function Requests:is_asking(user)
	return self.kept.asking[user] ~= nil;
end

-- The session itself is not kept, only its id: it may be another one, hibernated or gone when the answer comes.
local function enter(self, event)
	local kept, origin = self.kept, event.origin;
	kept.serial, kept.count = kept.serial + 1, kept.count + 1;
	local ref = ("%d"):format(kept.serial);
	kept.waiting[ref] = {
		id = event.stanza.attr.id; to = origin.full_jid; session = origin.id; user = origin.username;
		is_enable = event.stanza.tags[1].name == "enable";
		deadline = monotonic() + self.options.request_timeout;
	};
	kept.asking[origin.username] = (kept.asking[origin.username] or 0) + 1;
	return ref;
end

local function leave(kept, ref)
	local request = kept.waiting[ref];
	if not request then return nil; end
	kept.waiting[ref] = nil;
	kept.count = kept.count - 1;
	local left = kept.asking[request.user] - 1;
	kept.asking[request.user] = left > 0 and left or nil;
	return request;
end

-- Never with the request in it: its form holds secrets.
local function reply(host, request, kind)
	return st.iq({ type = kind, id = request.id, from = request.user.."@"..host, to = request.to });
end

local function reply_error(host, request, etype, condition, text)
	local stanza = reply(host, request, "error"):tag("error", { type = etype });
	stanza:tag(condition, { xmlns = xmlns_stanzas }):up();
	if text and text ~= "" then stanza:text_tag("text", text, { xmlns = xmlns_stanzas }); end
	module:send(stanza);
end

local function refuse(event, etype, condition, text)
	event.origin.send(st.error_reply(event.stanza, etype, condition, text));
	return true;
end

-- Sends a request that is still waited for. Returns false when the component is not connected.
function Requests:send(ref)
	local request = self.kept.waiting[ref];
	if not request or not request.message then return true; end
	local message = request.message;
	request.message, request.last_event = nil, self.sender:last_event();
	return self.link:send(message);
end

-- A request never overtakes an event that says whose the account is.
local function forward(self, event)
	local origin, element = event.origin, event.stanza.tags[1];
	local ref = enter(self, event);
	if element.name == "enable" then self.users:forget(origin.username); end
	local message = self.link:build("request", { ref = ref; user = origin.username; resource = origin.resource });
	self.kept.waiting[ref].message = message:add_child(element);
	if self.sender:postpone(origin.username, ref) or self:send(ref) then return true; end
	leave(self.kept, ref);
	return refuse(event, "wait", "service-unavailable", not_available);
end

local function is_full(self, user)
	return self.kept.count >= self.options.max_requests or (self.kept.asking[user] or 0) >= self.options.max_requests_per_user;
end

local function ask(self, event)
	if not self.link:is_attached() then
		return refuse(event, "wait", "service-unavailable", not_available);
	elseif is_full(self, event.origin.username) then
		return refuse(event, "wait", "resource-constraint", "Too many requests are waiting");
	end
	return forward(self, event);
end

local function answer(self, element)
	local attr = element.attr;
	local request = leave(self.kept, attr.ref or "");
	if not request then return; end
	if attr.type == "result" then
		self.sender:settle(request.user, request.last_event or 0);
		self.sessions.note_push(request.to, request.session, request.is_enable);
		module:send(reply(self.options.host, request, "result"));
	else
		reply_error(self.options.host, request, attr.etype or "wait", attr.condition or "undefined-condition", element:get_text());
	end
end

-- Gives up what the service did not answer in time.
function Requests:sweep(now)
	for ref, request in pairs(self.kept.waiting) do
		if request.deadline <= now then
			leave(self.kept, ref);
			reply_error(self.options.host, request, "wait", "remote-server-timeout", "The push service did not answer");
		end
	end
end

-- Answers all that wait in a state made by fresh(): nobody else will.
local function give_back(kept, host)
	for ref, request in pairs(kept.waiting) do
		leave(kept, ref);
		reply_error(host, request, "wait", "service-unavailable", not_available);
	end
end

local function refuse_others(event)
	if event.to_self then return nil; end      -- goes on as iq-set/self
	return refuse(event, "cancel", "not-allowed", "Push notifications can be changed for your own account only");
end

local function refuse_get(event)
	return refuse(event, "cancel", "not-allowed", "Use an IQ of type set");
end

-- Anything else in the namespace, once nothing has answered it.
local function refuse_unknown(event)
	local stanza = event.stanza;
	local child = stanza.tags[1];
	if not child or child.attr.xmlns ~= xmlns_push then return nil; end
	if stanza.attr.type == "get" then return refuse_get(event); end
	if stanza.attr.type ~= "set" then return nil; end
	return refuse(event, "modify", "bad-request", "Neither enable nor disable");
end

function Requests:listen()
	self.link:on("answer", function (element) answer(self, element); end);
end

-- Hooks the requests of all users. The priority is that of a handler which owns the namespace: other modules listen at 0.
local function hook(shards, guard)
	local function hook_element(event, name, handler)
		module:hook(event..xmlns_push..":"..name, guard.wrap("a request", handler), 10);
	end
	for _, name in ipairs { "enable", "disable" } do
		hook_element("iq-set/self/", name, function (event) return ask(shards.of(event.origin.username).requests, event); end);
		hook_element("iq-get/self/", name, refuse_get);
		for _, kind in ipairs { "set", "get" } do
			hook_element("iq-"..kind.."/bare/", name, refuse_others);
			hook_element("iq-"..kind.."/host/", name, refuse_others);
		end
	end
	module:hook("iq/self", guard.wrap("a request", refuse_unknown), -1);      -- behind mod_iq, which looks for handlers
	module:hook("account-disco-info", guard.wrap("disco", function (event)
		(event.reply or event.stanza):tag("feature", { var = xmlns_push }):up();
	end));
end

return { fresh = fresh; new = new; hook = hook; give_back = give_back };
