-- Publishing as the host for the service, and handing back what came of it (docs/protocol.md, 5).

local st = require "util.stanza";
local jid = require "util.jid";
local monotonic = require "util.time".monotonic;
local fifo = module:require "fifo";

local pairs, ipairs, tonumber, max, min, byte = pairs, ipairs, tonumber, math.max, math.min, string.byte;
local hosts = prosody.hosts;

local xmlns_pubsub = "http://jabber.org/protocol/pubsub";
local xmlns_component = "xmpp:prosody.im/protocol/component";

-- Seconds, for a publish that names no timeout or an odd one.
local default_timeout, max_timeout = 40, 600;

-- Keeps the start tag of an outcome short, whatever a push service calls its error.
local max_word = 64;

-- Bytes of its text.
local max_text = 256;

local Publishing = {};
Publishing.__index = Publishing;

local function fresh()
	return {
		instance = nil;        -- the run of the service last heard publishes from
		got = 0;               -- its highest number
		flights = {};          -- id of the IQ -> { to, ref, instance, deadline, shares, is_foreign }
		count = 0;
		taken = {};            -- a push service's domain, its address with a node, or a user -> places taken by it
		serial = 0;            -- makes the ids
		outcomes = fifo.new(); -- { instance, attr, text }, waiting for the link
	};
end

-- `kept` is made by fresh() and survives a reload.
local function new(kept, link, options)
	return setmetatable({ kept = kept, link = link, options = options }, Publishing);
end

-- The run of the service last heard publishes from and the highest number it sent.
function Publishing:heard()
	if self.kept.instance then return self.kept.instance, self.kept.got; end
end

local function send_outcome(link, outcome)
	local message = link:build("outcome", outcome.attr);
	if outcome.text then message:text(outcome.text); end
	return link:send(message);
end

local function keep_outcome(self, outcome)
	local outcomes = self.kept.outcomes;
	fifo.push(outcomes, outcome);
	if outcomes.count > self.options.max_in_flight then fifo.pop(outcomes); end
end

-- The numbers of another run mean nothing to the service that is there now.
local function hand_back(self, instance, attr, text)
	local outcome = { instance = instance, attr = attr, text = text };
	if self.link:takes_outcomes() then
		if instance ~= self.link:instance() or send_outcome(self.link, outcome) then return; end
	end
	keep_outcome(self, outcome);
end

-- Sends one outcome that waited for the link; says whether there was one.
function Publishing:send_waiting_outcome()
	while self.link:takes_outcomes() do
		local outcome = fifo.peek(self.kept.outcomes);
		if not outcome then return false; end
		local is_current = outcome.instance == self.link:instance();
		if is_current and not send_outcome(self.link, outcome) then return false; end
		fifo.remove(self.kept.outcomes, outcome);
		if is_current then return true; end
	end
	return false;
end

-- The shares that a publish takes a place of, each with its bound. No address is empty, so a user is taken for nothing else.
local function shares_of(self, to, pubsub, user)
	local node = pubsub:get_child("publish").attr.node or "";
	local shares = {
		[jid.host(to)] = self.options.max_in_flight_per_service;
		[to.."\n"..node] = self.options.max_in_flight_per_registration;
	};
	if user then shares["\n"..user] = self.options.max_in_flight_per_user; end
	return shares;
end

local function has_place(self, shares)
	if self.kept.count >= self.options.max_in_flight then return false; end
	for share, bound in pairs(shares) do
		if (self.kept.taken[share] or 0) >= bound then return false; end
	end
	return true;
end

local function take_place(kept, shares)
	kept.count = kept.count + 1;
	for share in pairs(shares) do kept.taken[share] = (kept.taken[share] or 0) + 1; end
end

local function give_place_back(kept, shares)
	kept.count = kept.count - 1;
	for share in pairs(shares) do
		local left = kept.taken[share] - 1;
		kept.taken[share] = left > 0 and left or nil;
	end
end

local function settle(self, id, attr, text)
	local flight = self.kept.flights[id];
	self.kept.flights[id] = nil;
	give_place_back(self.kept, flight.shares);
	attr.ref = ("%d"):format(flight.ref);
	hand_back(self, flight.instance, attr, text);
end

-- Exactly one <publish/> and at most one <publish-options/>: nothing else may be said in the host's name.
local function is_publish(pubsub)
	local seen = { publish = 0, ["publish-options"] = 0 };
	for _, child in ipairs(pubsub.tags) do
		if child.attr.xmlns ~= xmlns_pubsub or not seen[child.name] then return false; end
		seen[child.name] = seen[child.name] + 1;
	end
	return seen.publish == 1 and seen["publish-options"] <= 1;
end

-- Nil unless it is an address other than the host itself.
local function addressee(text, host)
	local to = jid.prep(text);
	local node, domain = jid.split(to);
	if not to or not node and domain == host then return nil; end
	return to;
end

local function refuse(self, ref, condition)
	hand_back(self, self.kept.instance, {
		ref = ("%d"):format(ref); type = "error"; origin = "link"; etype = "wait"; condition = condition;
	});
end

local function timeout_of(text)
	local seconds = tonumber(text);
	return seconds and max(1, min(seconds, max_timeout)) or default_timeout;
end

local function launch(self, ref, to, seconds, pubsub, shares)
	local kept = self.kept;
	kept.serial = kept.serial + 1;
	take_place(kept, shares);
	local id = ("xmpp-push-%s-%d"):format(self.link:epoch(), kept.serial);
	kept.flights[id] = { to = to, ref = ref, instance = kept.instance, deadline = monotonic() + seconds, shares = shares };
	module:send(st.iq({ type = "set", id = id, from = self.options.host, to = to }):add_child(pubsub));
end

-- Numbers have no gaps: one that is not higher than the last was seen before the connection was lost.
local function is_new(self, ref)
	local kept = self.kept;
	if kept.instance ~= self.link:instance() then
		kept.instance, kept.got = self.link:instance(), 0;
	end
	if ref <= kept.got then return false; end
	kept.got = ref;
	return true;
end

local function publish(self, element)
	local ref = tonumber(element.attr.ref);
	if not ref or not self.link:is_attached() or not is_new(self, ref) then return; end
	local to, pubsub = addressee(element.attr.to, self.options.host), element:get_child("pubsub", xmlns_pubsub);
	if not to or not pubsub or not is_publish(pubsub) then
		return refuse(self, ref, "bad-request");
	end
	local shares = shares_of(self, to, pubsub, element.attr.user);
	if not has_place(self, shares) then return refuse(self, ref, "resource-constraint"); end
	launch(self, ref, to, timeout_of(element.attr.timeout), pubsub, shares);
end

-- Did the user's own server make the error, because it cannot reach the addressee? Its errors carry the addressee's
-- address. A remote answer can only come in by s2s, where mod_s2s marks its own bounces as from a dummy; for a
-- component that is away mod_component answers, in the name of the host and not of a connection.
local function is_made_here(event, domain)
	local origin = event.origin;
	if not hosts[domain] then
		return origin.dummy or origin.type ~= "s2sin" and origin.type ~= "s2sout";
	end
	local fault = event.stanza:get_child("error");
	return origin == hosts[domain] and fault and fault:get_child("not-connected", xmlns_component) ~= nil;
end

-- Cut at the end of a character.
local function shorten(text)
	if not text or text == "" or #text <= max_text then return text ~= "" and text or nil; end
	local last = max_text;
	while byte(text, last + 1) >= 0x80 and byte(text, last + 1) < 0xC0 do last = last - 1; end      -- amid one
	return text:sub(1, last);
end

-- Returns the text behind it.
local function error_outcome(event, domain)
	local etype, condition, text = event.stanza:get_error();
	return {
		type = "error"; origin = is_made_here(event, domain) and "server" or nil;
		etype = etype and etype:sub(1, max_word); condition = condition and condition:sub(1, max_word);
	}, shorten(text);
end

-- An answer to a publish is ours alone; anything else is not for us.
local function answer(self, event)
	local stanza = event.stanza;
	local kind = stanza.attr.type;
	local flight = self.kept.flights[stanza.attr.id];
	if not flight then return nil; end
	if stanza.attr.from ~= flight.to then
		flight.is_foreign = true;      -- the addressee itself may still answer
	elseif kind == "result" then
		settle(self, stanza.attr.id, { type = "result" });
	else
		settle(self, stanza.attr.id, error_outcome(event, jid.host(flight.to)));
	end
	return true;
end

-- Gives up what nobody answered in time.
function Publishing:sweep(now)
	for id, flight in pairs(self.kept.flights) do
		if flight.deadline <= now then settle(self, id, { type = flight.is_foreign and "foreign" or "timeout" }); end
	end
end

function Publishing:listen()
	self.link:on("publish", function (element) publish(self, element); end);
end

-- Hooks the answers to what any of the shards published. Their ids hold the epoch of the shard's link.
local function hook(shards, guard)
	-- Before mod_iq, which would look for a handler of its own per id.
	module:hook("iq/host", guard.wrap("an answer", function (event)
		local kind = event.stanza.attr.type;
		if kind ~= "result" and kind ~= "error" then return nil; end
		for _, shard in ipairs(shards.list) do
			if answer(shard.publishing, event) then return true; end
		end
	end), 10);
end

-- For a store. Whoever answers what is in flight will find nobody, so these end as timeouts.
function Publishing:freeze()
	local outcomes = {};
	for _, outcome in ipairs(fifo.list(self.kept.outcomes)) do
		outcomes[#outcomes + 1] = { instance = outcome.instance, attr = outcome.attr, text = outcome.text };
	end
	for _, flight in pairs(self.kept.flights) do
		outcomes[#outcomes + 1] = { instance = flight.instance, attr = { type = "timeout", ref = ("%d"):format(flight.ref) } };
	end
	return { instance = self.kept.instance, got = self.kept.got, outcomes = outcomes };
end

function Publishing:thaw(frozen)
	self.kept.instance, self.kept.got = frozen.instance, frozen.got;
	for _, outcome in ipairs(frozen.outcomes) do fifo.push(self.kept.outcomes, outcome); end
end

return { fresh = fresh; new = new; hook = hook };
