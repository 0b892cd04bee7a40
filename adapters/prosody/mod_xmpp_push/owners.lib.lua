-- Finds the events of a user (events.lib.lua), and says whether they have their share of the outstanding ones.

local next = next;

-- Kinds of what is said of the account itself.
local is_journalled = { removed = true; created = true };

-- Plain data: user -> { all, sent, unsent, is_held }, the set of their entries, how many of all have a number, and how many missed
-- messages have none.
local function fresh()
	return {};
end

local function enter(kept, entry)
	local user = kept.by_user[entry.user];
	if not user then
		user = { all = {}, sent = 0, unsent = 0 };
		kept.by_user[entry.user] = user;
	end
	user.all[entry] = true;
	if not is_journalled[entry.kind] then user.unsent = user.unsent + 1; end
	return entry;
end

local function leave(kept, entry)
	local user = kept.by_user[entry.user];
	user.all[entry] = nil;
	if entry.n then
		user.sent = user.sent - 1;
	elseif not is_journalled[entry.kind] then
		user.unsent = user.unsent - 1;
	end
	if next(user.all) == nil then kept.by_user[entry.user] = nil; end
end

local function entries_of(kept, user)
	local known = kept.by_user[user];
	return known and known.all or {};
end

-- Whether a user may have one more outstanding. What is said of the account itself goes a little further.
local function has_share(kept, limits, user, is_of_account)
	local known = kept.by_user[user];
	return not known or known.sent < limits.entries_per_user * (is_of_account and 2 or 1);
end

return { fresh = fresh; enter = enter; leave = leave; entries_of = entries_of; has_share = has_share; is_journalled = is_journalled };
