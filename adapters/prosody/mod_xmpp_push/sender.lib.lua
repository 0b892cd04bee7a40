-- Sends events: at once while the window has room, else later in portions (docs/protocol.md, 3.3).

local keys = module:require "keys";
local ranges = module:require "ranges";

local ipairs = ipairs;

local Sender = {};
Sender.__index = Sender;

-- `next_outcome()` sends one outcome that waits for the link and says whether there was one; `send_request(ref)` sends a request
-- that was postponed.
local function new(link, events, deferred, sessions, options, guard)
	return setmetatable({
		link = link, events = events, deferred = deferred, sessions = sessions, options = options, guard = guard,
		numbered = {}, place = 1,      -- numbers of outstanding events still to be sent on this connection, and the place in them
		is_flushing = false,
		is_turn_of_due = false,      -- or of what is new
		sent_this_turn = 0,
		next_outcome = function () return false; end;
		send_request = function () end;
	}, Sender);
end

local function transmit_event(self, entry, message, first)
	local stanza = self.link:build("event", {
		n = ("%d"):format(entry.n); kind = entry.kind; user = entry.user; resource = entry.resource;
		count = entry.count > 1 and ("%d"):format(entry.count) or nil;
		first = first and ("%.0f"):format(first) or nil;
		last = first and entry.count > 1 and ("%.0f"):format(entry.last or first) or nil;
		keys = keys.write(entry.keys); was = entry.was;
	});
	self.sessions.describe(stanza, entry.user.."@"..self.options.host);
	for _, recipient in ipairs(entry.recipients or {}) do stanza:tag("for", { id = recipient.id; r = recipient.r }):up(); end
	if message then stanza:add_child(message); end
	return self.link:send(stanza);
end

-- Sends an event, and the requests that waited for it.
local function transmit(self, entry, message, first)
	if not transmit_event(self, entry, message, first) then return false; end
	local followers = entry.followers or {};
	entry.followers = nil;
	for _, ref in ipairs(followers) do self.send_request(ref); end
	return true;
end

local function has_room(self)
	return self.events:count_outstanding() < self.link:window();
end

-- What has a number and is still to be sent: not if it was acknowledged or withdrawn meanwhile.
local function take_numbered(self)
	while self.place <= #self.numbered do
		local entry = self.events:outstanding(self.numbered[self.place]);
		self.place = self.place + 1;
		if entry then return entry; end
	end
	self.numbered, self.place = {}, 1;
end

-- New events and due ones take turns.
local function take_next(self)
	if not has_room(self) then return nil; end
	self.is_turn_of_due = not self.is_turn_of_due;
	if self.is_turn_of_due then return self.deferred:take() or self.events:take(); end
	return self.events:take() or self.deferred:take();
end

local function has_next(self)
	return self.events:has_unsent() or self.deferred:has_due();
end

-- Says whether something was sent.
local function flush_one(self)
	if self.next_outcome() then return true; end
	if not self.link:is_attached() then return false; end
	local entry = take_numbered(self) or take_next(self);
	return entry ~= nil and transmit(self, entry, entry.message, entry.first);
end

-- One turn of the server's loop; what is left goes in later ones.
local function flush_portion(self)
	for _ = 1, self.options.portion do
		if not flush_one(self) then
			self.is_flushing = false;
			return nil;
		end
	end
	return 0.001;
end

-- Sends what waits, in portions: a backlog written at once would make the whole server stand still.
function Sender:flush()
	if self.is_flushing then return; end
	self.is_flushing = true;
	module:add_timer(0, function ()
		local ok, delay = self.guard.try("a portion", flush_portion, self);
		if not ok then self.is_flushing = false; end
		return ok and delay or nil;
	end);
end

-- What is fresh keeps to the portion too: thousands of sessions may break down within one turn.
local function count_this_turn(self)
	self.sent_this_turn = self.sent_this_turn + 1;
	if self.sent_this_turn == 1 then
		module:add_timer(0, function () self.sent_this_turn = 0; end);
	end
end

local function can_issue(self, user)
	return self.link:is_attached() and has_room(self) and self.events:has_share(user) and not has_next(self);
end

local function send_or_queue(self, entry, message)
	if not self.is_flushing and self.sent_this_turn < self.options.portion then
		count_this_turn(self);
		transmit(self, entry, message);
		return;
	end
	self.numbered[#self.numbered + 1] = entry.n;
	self:flush();
end

-- Tells of a missed message, which nobody may change afterwards.
function Sender:tell(kind, user, resource, message, has_content, key)
	if can_issue(self, user) then
		send_or_queue(self, self.events:issue(kind, user, resource, message, has_content, key), message);
	else
		self.events:collapse(kind, user, resource, message, has_content, { key });
		if self.link:is_attached() then self:flush(); end
	end
end

-- Tells that a push service has revoked a registration, which `about` names.
function Sender:revoke(user, about, message)
	self.events:revoke(user, about, message);
	if self.link:is_attached() then self:flush(); end
end

local function send_withdrawn(self, numbers)
	if #numbers == 0 then return true; end
	return self.link:send(self.link:build("withdraw", { session = self.link:session() }):text(ranges.format(numbers)));
end

-- Tells of deferred events that have ended here.
local function tell_ended(self, numbers)
	if not send_withdrawn(self, numbers) then self.deferred:give_back_gone(numbers); end
end

-- Now, or after the next hello.
local function tell_gone(self)
	if self.link:is_attached() then tell_ended(self, self.deferred:take_gone()); end
end

-- What is kept of a user and `is_meant` need not be told any more.
function Sender:withdraw(user, is_meant)
	local numbers = self.events:withdraw(user, is_meant);
	if self.link:is_attached() then send_withdrawn(self, numbers); end
end

-- A session can be reached again, so its device need not be told of what was deferred.
function Sender:user_is_back(user, resource)
	self.deferred:user_is_back(user, resource);
	tell_gone(self);
end

-- The user has no registration.
function Sender:drop_waiting(user)
	self.events:drop_waiting(user);
	self.deferred:end_all(user);
	tell_gone(self);
end

-- Tells of an account that came or went: whatever is kept of that name is void.
function Sender:record(kind, user)
	self:withdraw(user, function () return true; end);
	self.deferred:end_all(user);
	tell_gone(self);
	self.events:record(kind, user);
	self:flush();
end

-- Events go in the order of their numbers: from this one on they are still to be sent on this connection.
local function first_unsent(self)
	return self.numbered[self.place] or self.events:last_number() + 1;
end

-- Lets a request of a user follow their last `removed` or `created`, if that is still to be sent. Says whether it is.
function Sender:postpone(user, ref)
	local entry = self.events:last_record(user);
	if not entry or entry.n and entry.n < first_unsent(self) then return false; end
	entry.followers = entry.followers or {};
	entry.followers[#entry.followers + 1] = ref;
	return true;
end

-- The number of the last event that was sent.
function Sender:last_event()
	return first_unsent(self) - 1;
end

-- The service has done what a user asked for after the event of this number, and with it what was said of the account before.
function Sender:settle(user, last_event)
	self.events:settle(user, last_event);
end

-- The window may have room again, or something to be filled with.
local function go_on(self)
	if self.link:is_attached() and has_next(self) then self:flush(); end
end

function Sender:acknowledge(text)
	self.events:acknowledge(text);
	self.deferred:acknowledge(text);
	go_on(self);
end

-- Handles a <defer/>.
function Sender:defer(n, into, element)
	self.deferred:defer(n, into, element);
	tell_gone(self);
	go_on(self);
end

function Sender:resume(text)
	self.deferred:resume(text);
	go_on(self);
end

-- After a new hello: what was withdrawn meanwhile, what is outstanding, then what waits and what is due again.
function Sender:begin_again()
	local withdrawn;
	self.numbered, withdrawn = self.events:begin_again();
	self.place = 1;
	send_withdrawn(self, withdrawn);
	tell_ended(self, self.deferred:take_all_gone());
	self:flush();
end

return { new = new };
