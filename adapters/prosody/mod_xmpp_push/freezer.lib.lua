-- Events as plain data that a store or another list of shards can take.

local st = require "util.stanza";
local is_journalled = module:require "events".is_journalled;

local ipairs = ipairs;

local function without_message(entry, was)
	return {
		kind = entry.kind; user = entry.user; resource = entry.resource; count = entry.count; first = entry.first; last = entry.last;
		has_content = entry.has_content; was = was; recipients = entry.recipients;
	};
end

local function with_message(entry, was)
	local item = without_message(entry, was);
	item.message = entry.message and st.preserialize(entry.message);
	return item;
end

local function freeze_entry(entry)
	local item = with_message(entry, entry.was);
	item.was_sent = entry.n ~= nil or nil;
	return item;
end

-- Adds all that is deferred to the list `items`, the messages only if they are wanted.
local function freeze_deferred(deferred, items, has_messages)
	local freeze_one = has_messages and with_message or without_message;
	deferred:each(function (entry, was) items[#items + 1] = freeze_one(entry, was); end);
end

-- What freeze() adds to.
local function empty()
	return { entries = {}, deferred = {}, dropped = 0 };
end

-- Adds all of `events` and what is deferred to `frozen`, in the order in which it was missed.
local function freeze(events, deferred, frozen)
	local entries = frozen.entries;
	for _, n in ipairs((events:begin_again())) do entries[#entries + 1] = freeze_entry(events:outstanding(n)); end
	for _, entry in ipairs(events:unsent()) do entries[#entries + 1] = freeze_entry(entry); end
	frozen.dropped = frozen.dropped + events:count_dropped();
	freeze_deferred(deferred, frozen.deferred, true);
end

local function thaw_deferred(deferred, item)
	deferred:restore(item, item.message and st.deserialize(item.message));
end

-- Takes back one of the entries that freeze() gave, under a new number. What had been sent stays apart, so that the service
-- knows it again.
local function thaw(events, deferred, item)
	local message = item.message and st.deserialize(item.message);
	if item.was_sent and events:resume(item, message) then return; end
	if item.recipients then return thaw_deferred(deferred, item); end
	if is_journalled[item.kind] then
		events:drop_waiting(item.user);
		return events:record(item.kind, item.user);
	end
	local entry = events:collapse(item.kind, item.user, item.resource, message, item.has_content);
	entry.count = entry.count + item.count - 1;
	if item.first < entry.first then entry.first = item.first; end
	entry.last = item.last or item.first;
end

return { empty = empty; freeze = freeze; freeze_deferred = freeze_deferred; thaw = thaw; thaw_deferred = thaw_deferred };
