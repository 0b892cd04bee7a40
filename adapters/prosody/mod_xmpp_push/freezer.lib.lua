-- Events as plain data that a store or another list of shards can take.

local st = require "util.stanza";
local now = require "util.time".now;
local is_journalled = module:require "events".is_journalled;

local ipairs, floor = ipairs, math.floor;

local function freeze_entry(entry, was, was_sent)
	return {
		kind = entry.kind; user = entry.user; resource = entry.resource; about = entry.about;
		count = entry.count; first = entry.first; last = entry.last;
		has_content = entry.has_content; message = entry.message and st.preserialize(entry.message);
		keys = entry.keys; was_sent = was_sent; was = was; recipients = entry.recipients;
	};
end

-- Makes the record that freeze() adds to.
local function empty()
	return { entries = {}, deferred = {}, dropped = 0 };
end

-- Adds all of `events` and what is deferred to `frozen`, in the order in which it was missed.
local function freeze(events, deferred, frozen)
	local entries = frozen.entries;
	local function add(entry) entries[#entries + 1] = freeze_entry(entry, entry.was or deferred:name(entry), entry.n ~= nil); end
	for _, n in ipairs((events:begin_again())) do add(events:outstanding(n)); end
	for _, entry in ipairs(events:unsent()) do add(entry); end
	frozen.dropped = frozen.dropped + events:count_dropped();
	deferred:each(function (entry, was) frozen.deferred[#frozen.deferred + 1] = freeze_entry(entry, was); end);
end

-- A store may hold what is half-written, or of another version of the module. Returns nil when it is not said whom it is about.
local function thaw_entry(item)
	if not item.kind or not item.user then return nil; end
	return {
		kind = item.kind; user = item.user; resource = item.resource; about = item.about;
		count = item.count or 1; has_content = item.has_content;
		first = item.first or floor(now() * 1000); last = item.last;
		keys = item.keys or {}; was = item.was; recipients = item.recipients;
	};
end

-- Joins it with what waits.
local function collapse(events, item, message)
	local entry = item.about and events:revoke(item.user, item.about, message)
		or events:collapse(item.kind, item.user, item.resource, message, item.has_content, item.keys);
	entry.count = entry.count + item.count - 1;
	if item.first < entry.first then entry.first = item.first; end
	entry.last = item.last or item.first;
end

local function is_deferred(entry)
	return entry.was and entry.recipients and #entry.recipients > 0;
end

-- Takes back one of those that freeze() gave, under a new number. What had been sent stays apart, so that the service knows it again.
local function thaw(events, deferred, item)
	local entry, message = thaw_entry(item), item.message and st.deserialize(item.message);
	if not entry or item.was_sent and events:restore(entry, message) then return; end
	if is_deferred(entry) then return deferred:restore(entry, message); end
	if not is_journalled[entry.kind] then return collapse(events, entry, message); end
	events:drop_waiting(entry.user);
	events:record(entry.kind, entry.user);
end

return { empty = empty; freeze = freeze; thaw = thaw };
