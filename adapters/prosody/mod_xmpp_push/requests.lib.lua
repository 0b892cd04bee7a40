-- The clients' <enable/> and <disable/> (XEP-0357, 5), relayed to the service (docs/protocol.md, 6).

local st = require "util.stanza";
local monotonic = require "util.time".monotonic;

local pairs, ipairs = pairs, ipairs;

local xmlns_push = "urn:xmpp:push:0";
local xmlns_stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";

-- Requests that wait for the service; each holds what is needed for its answer, about 300 bytes.
local max_waiting = 1000;

local Requests = {};
Requests.__index = Requests;

local function fresh()
	return {
		waiting = {};          -- ref -> { id, to, user, deadline }
		count = 0;
		serial = 0;            -- makes the refs
		asking = {};           -- localpart -> number of requests waiting
	};
end

-- `kept` is made by fresh() and survives a reload; `users` is told of an enable.
local function new(kept, link, users, options, guard)
	return setmetatable({ kept = kept, link = link, users = users, options = options, guard = guard }, Requests);
end

function Requests:is_asking(user)
	return self.kept.asking[user] ~= nil;
end

-- The session itself is not kept: it may be another one, hibernated or gone when the answer comes.
local function enter(self, event)
	local kept, origin = self.kept, event.origin;
	kept.serial, kept.count = kept.serial + 1, kept.count + 1;
	local ref = ("%d"):format(kept.serial);
	kept.waiting[ref] = {
		id = event.stanza.attr.id; to = origin.full_jid; user = origin.username;
		deadline = monotonic() + self.options.request_timeout;
	};
	kept.asking[origin.username] = (kept.asking[origin.username] or 0) + 1;
	return ref;
end

local function leave(self, ref)
	local kept = self.kept;
	local request = kept.waiting[ref];
	if not request then return nil; end
	kept.waiting[ref] = nil;
	kept.count = kept.count - 1;
	local left = kept.asking[request.user] - 1;
	kept.asking[request.user] = left > 0 and left or nil;
	return request;
end

-- Never with the request in it: its form holds secrets.
local function reply(self, request, kind)
	return st.iq({ type = kind, id = request.id, from = request.user.."@"..self.options.host, to = request.to });
end

local function reply_error(self, request, etype, condition, text)
	local stanza = reply(self, request, "error"):tag("error", { type = etype });
	stanza:tag(condition, { xmlns = xmlns_stanzas }):up();
	if text and text ~= "" then stanza:text_tag("text", text, { xmlns = xmlns_stanzas }); end
	module:send(stanza);
end

local function refuse(event, etype, condition, text)
	event.origin.send(st.error_reply(event.stanza, etype, condition, text));
	return true;
end

local function forward(self, event)
	local ref, element = enter(self, event), event.stanza.tags[1];
	if element.name == "enable" then self.users:forget(event.origin.username); end
	local request = self.link:build("request", { ref = ref; user = event.origin.username; resource = event.origin.resource });
	if self.link:send(request:add_child(element)) then return true; end
	leave(self, ref);
	return refuse(event, "wait", "service-unavailable", "Push notifications are not available right now");
end

local function ask(self, event)
	if not self.link:is_attached() then
		return refuse(event, "wait", "service-unavailable", "Push notifications are not available right now");
	elseif self.kept.count >= max_waiting then
		return refuse(event, "wait", "resource-constraint", "Too many requests are waiting");
	end
	return forward(self, event);
end

local function answer(self, element)
	local attr = element.attr;
	local request = leave(self, attr.ref or "");
	if not request then return; end
	if attr.type == "result" then
		module:send(reply(self, request, "result"));
	else
		reply_error(self, request, attr.etype or "wait", attr.condition or "undefined-condition", element:get_text());
	end
end

-- Gives up what the service did not answer in time.
function Requests:sweep(now)
	for ref, request in pairs(self.kept.waiting) do
		if request.deadline <= now then
			leave(self, ref);
			reply_error(self, request, "wait", "remote-server-timeout", "The push service did not answer");
		end
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

-- The priority is that of a handler which owns the namespace: other modules listen at 0.
function Requests:listen()
	local function hook(event, name, handler)
		module:hook(event..xmlns_push..":"..name, self.guard.wrap("a request", handler), 10);
	end
	for _, name in ipairs { "enable", "disable" } do
		hook("iq-set/self/", name, function (event) return ask(self, event); end);
		hook("iq-get/self/", name, refuse_get);
		for _, kind in ipairs { "set", "get" } do
			hook("iq-"..kind.."/bare/", name, refuse_others);
			hook("iq-"..kind.."/host/", name, refuse_others);
		end
	end
	module:hook("iq/self", self.guard.wrap("a request", refuse_unknown), -1);      -- behind mod_iq, which looks for handlers
	module:hook("account-disco-info", self.guard.wrap("disco", function (event)
		(event.reply or event.stanza):tag("feature", { var = xmlns_push }):up();
	end));
	self.link:on("answer", function (element) answer(self, element); end);
end

return { fresh = fresh; new = new };
