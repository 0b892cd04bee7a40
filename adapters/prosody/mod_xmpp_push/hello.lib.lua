-- Attaching (docs/protocol.md, 2), and the short words of the service.

local pairs, tonumber = pairs, tonumber;
local max, min = math.max, math.min;
local hosts = prosody.hosts;

local version = "2";

-- The kinds of events this host can tell of with the modules it has now.
local function kinds(loaded)
	return "offline revoked removed created"
		..(loaded.smacks and " queued unacked lost" or "")
		..(loaded.mam and " archived" or "");
end

local function has_other_push(loaded)
	for name in pairs(loaded) do
		if name:find("^cloud_notify") then return true; end
	end
	return false;
end

-- These, and what else is there.
local function abilities(host)
	local loaded = hosts[host].modules;
	return kinds(loaded).." defer"
		..(loaded.mam and " archive" or "")
		..(has_other_push(loaded) and " own-push" or "");
end

local function answer(parts, session)
	local link, instance, got = parts.link, parts.publishing:heard();
	local message = link:build("hello", {
		version = version; session = session; epoch = link:epoch(); software = "prosody "..prosody.version;
		instance = instance; got = got and ("%d"):format(got) or nil;
		dropped = ("%d"):format(parts.events:take_dropped());
		places = ("%d"):format(parts.options.max_in_flight); deferred = ("%d"):format(parts.options.deferred);
	});
	return link:send(message:text_tag("can", abilities(parts.options.host)));
end

-- A fence smaller than one before is of a service that has lost its lease and does not know it yet.
local function is_outdated(fences, component, attr)
	local fence = tonumber(attr.fence and attr.fence:match("^%d+$"));
	if not fence then return false; end
	local greatest = fences[component];
	if greatest and fence < greatest then
		module:log("warn", "Ignored a service that has lost its lease as %s: its fence is %s, and that of another was %s",
			component, fence, greatest);
		return true;
	end
	fences[component] = fence;
	return false;
end

local function hello(parts, fences, element)
	local attr = element.attr;
	if attr.version ~= version then return parts.link:refuse(attr.version or "none", version); end
	if is_outdated(fences, parts.options.component, attr) then return; end
	parts.users:greet(attr.instance, attr.users);
	local window = max(1, min(tonumber(attr.window) or 1, parts.options.entries));
	parts.deferred:greet(attr.instance);
	parts.link:attach(attr.instance, attr.session, window, element:get_child_text("want"));
	if answer(parts, attr.session) then parts.sender:begin_again(); end
end

local function learn(parts, element)
	local users = parts.users;
	users:count_statement(element.attr.n, element.attr.reset == "1");
	for child in element:childtags() do
		local user = child:get_text() or "";
		if child.name == "some" then
			users:forget(user);
		elseif child.name == "none" and not parts.requests:is_asking(user) then
			users:remember_none(user);
			parts.sender:drop_waiting(user);
		end
	end
end

local function pong(link)
	link:send(link:build("pong"));
	if not link:is_attached() then link:send(link:build("knock")); end
end

-- `parts` has all parts of a shard by name. `fences` maps components to the greatest fence seen, and survives a reload.
local function listen(parts, fences)
	local link = parts.link;
	link:on("hello", function (element) hello(parts, fences, element); end);
	link:on("bye", function () link:leave(); end);
	link:on("ping", function () pong(link); end);
	link:on("users", function (element) learn(parts, element); end);
	link:on_in_session("ack", function (element) parts.sender:acknowledge(element:get_text() or ""); end);
	link:on_in_session("resume", function (element) parts.sender:resume(element:get_text() or ""); end);
	link:on_in_session("defer", function (element)
		local n, into = element.attr.n, element.attr.into;
		parts.sender:defer(tonumber(n), into and (tonumber(into) or 0), element);
	end);
end

return { listen = listen };
