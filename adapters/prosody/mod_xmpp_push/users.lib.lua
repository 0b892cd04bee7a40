-- Which users have no registration (docs/protocol.md, 4). All the service has not spoken of are assumed to have some.

local tonumber = tonumber;

local Users = {};
Users.__index = Users;

local function fresh()
	return {
		none = {};             -- localpart -> true
		count = 0;
		instance = nil;        -- the run of the service that made the statements
		statement = 0;         -- number of the last one
	};
end

-- `kept` is made by fresh() and survives a reload; `limits` has the field `max_known`.
local function new(kept, limits)
	return setmetatable({ kept = kept, limits = limits }, Users);
end

function Users:has_none(user)
	return self.kept.none[user] == true;
end

local function forget_all(kept)
	kept.none, kept.count = {}, 0;
end

function Users:forget(user)
	local kept = self.kept;
	if not kept.none[user] then return; end
	kept.none[user] = nil;
	kept.count = kept.count - 1;
end

function Users:remember_none(user)
	local kept = self.kept;
	if kept.none[user] then return; end
	-- That costs one event per user, never a wake-up.
	if kept.count >= self.limits.max_known then forget_all(kept); end
	kept.none[user] = true;
	kept.count = kept.count + 1;
end

-- A hello says how far the service had got: another run or a missed statement makes all that is known doubtful.
function Users:greet(instance, statement)
	local kept = self.kept;
	statement = tonumber(statement) or 0;
	if instance ~= kept.instance or statement ~= kept.statement then forget_all(kept); end
	kept.instance, kept.statement = instance, statement;
end

-- Counts a <users/>.
function Users:count_statement(statement, is_reset)
	local kept = self.kept;
	statement = tonumber(statement) or 0;
	if is_reset or statement ~= kept.statement + 1 then forget_all(kept); end
	kept.statement = statement;
end

return { fresh = fresh; new = new };
