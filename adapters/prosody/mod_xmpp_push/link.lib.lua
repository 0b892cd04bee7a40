-- The frame of the link (docs/protocol.md, 1): who is at its other end, is it there, what it says.

local st = require "util.stanza";

local pairs, ipairs = pairs, ipairs;
local hosts = prosody.hosts;
local xmlns_link = "urn:x-xmpp-push:link";

local Link = {};
Link.__index = Link;

-- Until the service has said what it wants, everything is kept that it could want.
local want_all = { offline = true; queued = true; unacked = true; lost = true; archived = true;
	revoked = true; removed = true; created = true; calls = true };

local function fresh(epoch)
	return {
		epoch = epoch;
		state = "detached";    -- or "attached"; or "leaving": after <bye/>, takes outcomes only
		instance = nil;        -- of the service, as in its last hello
		session = nil;         -- of that hello
		foreign_version = nil; -- the last one a service spoke since, if this module does not speak it
		window = 0;
		want = want_all;
	};
end

-- `kept` is made by fresh() and survives a reload; `options` as made by options.lib.lua.
local function new(kept, options, guard)
	return setmetatable({ kept = kept, options = options, guard = guard, handlers = {} }, Link);
end

function Link:epoch() return self.kept.epoch; end
function Link:instance() return self.kept.instance; end
function Link:session() return self.kept.session; end
function Link:window() return self.kept.window; end
function Link:wants(word) return self.kept.want[word] == true; end
function Link:want() return self.kept.want; end
function Link:is_attached() return self.kept.state == "attached"; end
function Link:takes_outcomes() return self.kept.state ~= "detached"; end

function Link:detach()
	if self.kept.state ~= "detached" then module:log("info", "xmpp-push is away (%s)", self.options.component); end
	self.kept.state = "detached";
end

function Link:leave()
	if self:is_attached() then self.kept.state = "leaving"; end
end

local function words(text)
	local set = {};
	for word in text:gmatch("%S+") do set[word] = true; end
	return set;
end

function Link:attach(instance, session, window, want)
	local kept = self.kept;
	if kept.state ~= "attached" then module:log("info", "xmpp-push is attached (%s)", self.options.component); end
	kept.state, kept.instance, kept.session, kept.window, kept.foreign_version = "attached", instance, session, window, nil;
	kept.want = want and words(want) or want_all;
end

-- A hello of another version, which is repeated for ever, is told of once.
function Link:refuse(version, own)
	if self.kept.foreign_version == version then return; end
	self.kept.foreign_version = version;
	module:log("warn", "xmpp-push (%s) speaks version %s of the link and this module version %s: update the older one",
		self.options.component, version, own);
end

-- mod_component's own mark: its events fire also for sockets that only named the host.
function Link:is_connected()
	local host = hosts[self.options.component];
	local component = host and host.modules.component;
	return component ~= nil and component.connected == true;
end

-- A message with one element of the link, which stays open for children.
function Link:build(name, attr)
	attr = attr or {};
	attr.xmlns = xmlns_link;
	return st.message({ from = self.options.address, to = self.options.component }):tag(name, attr);
end

-- False, and nothing is sent, when the component is not connected: the message would leave by s2s or bounce.
function Link:send(message)
	if not self:is_connected() then
		self:detach();
		return false;
	end
	module:send(message);
	return true;
end

-- Asks the service for its hello.
function Link:knock()
	self:detach();
	self:send(self:build("knock"));
end

-- `handler` is called with each element of that name the service sends.
function Link:on(name, handler)
	self.handlers[name] = handler;
end

-- The same for elements that speak of events: those of an earlier session are ignored.
function Link:on_in_session(name, handler)
	self:on(name, function (element)
		if element.attr.session == self.kept.session then handler(element); end
	end);
end

-- Only the component's own connection may speak, whatever addresses the server lets others claim.
local function is_from_service(event, component)
	return event.stanza.attr.from == component and event.origin.type == "component" and event.origin.host == component;
end

function Link:receive(event)
	local stanza = event.stanza;
	if stanza.attr.to ~= self.options.address or not is_from_service(event, self.options.component) then return nil; end
	if stanza.attr.type == "error" then return true; end
	for element in stanza:childtags(nil, xmlns_link) do
		local handler = self.handlers[element.name];
		if handler then self.guard.try(element.name, handler, element); end
	end
	return true;
end

-- A component host that is de- and re-activated has a new set of hooks, and those set on the old one are lost.
local function watch(link)
	local component = module:context(link.options.component);
	component:hook("component-authenticated", link.guard.wrap("a connection", function () link:knock(); end));
	component:hook("component-disconnected", link.guard.wrap("a disconnection", function (event)
		if event.session.type == "component" then link:detach(); end
	end));
end

-- Hooks what concerns the links of all shards.
local function hook(shards, guard)
	local links = {};      -- by component
	for _, shard in ipairs(shards.list) do links[shard.options.component] = shard.link; end
	-- Before mod_component and the server's own handlers, which would bounce.
	module:hook("message/host", guard.wrap("the link", function (event)
		local link = links[event.stanza.attr.from];
		return link and link:receive(event);
	end), 10);
	for component, link in pairs(links) do
		if hosts[component] then watch(link); end
	end
	module:hook_global("host-activated", guard.wrap("an activation", function (host)
		if links[host] then watch(links[host]); end
	end));
end

return { fresh = fresh; new = new; hook = hook };
