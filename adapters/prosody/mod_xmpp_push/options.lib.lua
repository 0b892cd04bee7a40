-- The options, and the reasons not to start. An error here keeps the module from being loaded.

local jid = require "util.jid";
local config = require "core.configmanager";
local modulemanager = require "core.modulemanager";

local ipairs, type = ipairs, type;
local floor, max = math.floor, math.max;

local host = module.host;

-- By default one user has a tenth of the places of the link, and at least 50.
local users_part, users_least = 10, 50;

-- Requests that wait for an answer; each holds what is needed for that, about 300 bytes.
local max_requests = 1000;

-- Of these, requests of one user.
local max_requests_per_user = 20;

-- Users known to have no registration, about 100 bytes each.
local max_known = 500000;

local function refuse(...)
	local reason = ("mod_xmpp_push does not start on %s: "):format(host)..(...):format(select(2, ...));
	module:log("error", "%s", reason);
	error(reason, 0);
end

local function number(name, default)
	local value = module:get_option_number(name, default);
	if not value or value < 1 then refuse("set %s to a number of at least 1, or remove it", name); end
	return value;
end

local function optional_number(name)
	return module:get_option(name) ~= nil and number(name) or nil;
end

local function component_domain(address)
	local prepped = type(address) == "string" and jid.prep(address) or nil;
	local node, domain, resource = jid.split(prepped);
	if not domain or node or resource then
		refuse("set xmpp_push_component to the domain of the component, say \"push.%s\", or to a list of domains", host);
	elseif domain == host then
		refuse("set xmpp_push_component to another domain than the host itself");
	end
	return domain;
end

local function component_domains()
	local domains, seen = {}, {};
	for i, address in ipairs(module:get_option_array("xmpp_push_component", { "push."..host })) do
		local domain = component_domain(address);
		if seen[domain] then refuse("name %s only once in xmpp_push_component", domain); end
		domains[i], seen[domain] = domain, true;
	end
	if #domains == 0 then refuse("name at least one domain in xmpp_push_component"); end
	return domains;
end

-- The configuration is asked, not what is loaded by now, so that the order does not matter.
local function refuse_other_push()
	for name in modulemanager.get_modules_for_host(host) do
		if name:find("^cloud_notify") then
			refuse("remove \"%s\" from modules_enabled (or put it in modules_disabled of this host): both would push", name);
		end
	end
	if modulemanager.is_loaded(host, "cloud_notify") then
		refuse("unload mod_cloud_notify: both would push");
	end
end

-- Loaded by hand later on, it can only be told of.
local function watch_other_push()
	module:hook("module-loaded", function (event)
		if event.module:find("^cloud_notify") then
			module:log("error", "mod_%s was loaded beside mod_xmpp_push: both push now, unload one of them", event.module);
		end
	end);
end

-- mod_delegation takes a namespace it delegates away from every other module.
local function refuse_delegation()
	local delegations = module:get_option("delegations");
	if type(delegations) == "table" and delegations["urn:xmpp:push:0"] and modulemanager.get_modules_for_host(host):contains("delegation") then
		refuse("remove [\"urn:xmpp:push:0\"] from delegations: this module takes its place");
	end
end

local function warn_if_unknown(component)
	local kind = config.get(component, "component_module");
	if kind ~= "component" then
		module:log("warn", "%s", ("nothing can connect as %s: add Component %q with a component_secret to the configuration")
			:format(component, component));
	end
end

-- The bounds hold for the host, those of one user for the only link that the user has.
local function divide(options, component)
	local count = #options.components;
	local function share(bound) return max(1, floor(bound / count)); end
	local max_in_flight = share(options.max_in_flight);
	return {
		host = options.host; address = options.address; component = component;
		request_timeout = options.request_timeout;
		max_in_flight = max_in_flight;
		max_in_flight_per_service = share(options.max_in_flight_per_service);
		max_in_flight_per_user = options.max_in_flight_per_user or max(users_least, floor(max_in_flight / users_part));
		max_in_flight_per_registration = options.max_in_flight_per_registration;
		entries = share(options.entries);
		entries_per_user = options.entries_per_user;
		bytes = share(options.bytes);
		deferred = share(options.deferred);
		deferred_per_user = options.deferred_per_user;
		portion = share(options.portion);
		max_requests = share(max_requests);
		max_requests_per_user = max_requests_per_user;
		max_known = share(max_known);
	};
end

local function read()
	if module:get_host_type() ~= "local" then refuse("enable it on a VirtualHost, not on a Component"); end
	refuse_other_push();
	refuse_delegation();
	local max_in_flight = number("xmpp_push_max_in_flight", 2000);                 -- publishes
	local options = {
		host = host;
		address = host.."/xmpp-push";
		components = component_domains();
		shards = {};                                                           -- the same options for each component
		request_timeout = number("xmpp_push_request_timeout", 30);             -- seconds
		max_in_flight = max_in_flight;
		max_in_flight_per_service = number("xmpp_push_max_in_flight_per_service", max(1, floor(max_in_flight / 2)));
		max_in_flight_per_user = optional_number("xmpp_push_max_in_flight_per_user");
		max_in_flight_per_registration = number("xmpp_push_max_in_flight_per_registration", 10);
		entries = number("xmpp_push_buffer_entries", 100000);
		entries_per_user = number("xmpp_push_buffer_entries_per_user", 50);
		bytes = number("xmpp_push_buffer_bytes", 32 * 1024 * 1024);
		deferred = number("xmpp_push_max_deferred", 10000);                    -- events
		deferred_per_user = number("xmpp_push_max_deferred_per_user", 20);
		deferred_interval = number("xmpp_push_deferred_interval", 60);         -- seconds
		portion = number("xmpp_push_portion", 100);                            -- stanzas a turn
	};
	for i, component in ipairs(options.components) do
		options.shards[i] = divide(options, component);
		warn_if_unknown(component);
	end
	watch_other_push();
	return options;
end

return { read = read };
