"""How to mend what `copbridge doctor` finds: a place in Moodle's menus, a name, a command of ours."""

from types import MappingProxyType

from jobs.doctor.findings import Code

ADMIN = "Site administration"
_ROLE = (
    "In Moodle: {admin} > Users > Permissions > Define roles > the companion's role > Edit: allow {capability}.",
    "Then: {admin} > Users > Permissions > Check system permissions shows what the account has.",
)
_SERVICE = (
    "In Moodle: {admin} > Server > Web services > External services > the companion's service > Functions >"
    " Add functions: {function}.",
)
_SETTINGS = "In Moodle: {admin} > Plugins > Local plugins > CoP Bridge"
_STATUS = "In Moodle: {admin} > Plugins > Local plugins > CoP Bridge: status and deliveries"
_UPGRADE = "copbridge plugin build writes the plugin of this release. In Moodle: {admin} > Plugins > Install plugins."
_OWN_SERVICE = (
    "Use a token of the plugin's own service, CoP Bridge, which holds all of them: {admin} > Server > Web services >"
    " Manage tokens > Create token.",
    "If it doesn't, the plugin is an older one. " + _UPGRADE,
)
_SERVICES = (
    "In Moodle: {admin} > Server > Web services > External services > the companion's service > Functions >"
    " Add functions: {functions}. The service CoP Bridge has them once the plugin of this release is installed.",
)
_ATTENDANCE_ROLE = (
    "In Moodle: {admin} > Users > Permissions > Define roles > the companion's role > Edit: allow mod/attendance:view"
    " and mod/attendance:takeattendances. The activity tells nobody else; nothing is written there.",
)
_MESSAGES_ROLE = (
    "In Moodle: {admin} > Users > Permissions > Define roles > the companion's role > Edit: allow {capabilities}. With"
    " the second, messages reach people who share no course with the account, and also those who blocked it.",
    "If both are there: see that {admin} > General > Advanced features has Enable messaging system.",
)
_REPLAY = "After the cause is mended: copbridge replay --{status} --site {site}"

FIXES: MappingProxyType[Code, tuple[str, ...]] = MappingProxyType(
    {
        Code.TOKEN_ABSENT: (
            "In Moodle: {admin} > Server > Web services > Manage tokens > Create token, for the companion's account.",
            "Then: copbridge site secret add {site} --purpose web_services --from-stdin",
        ),
        Code.WIRE_SECRET_ABSENT: (
            "copbridge site secret add {site} --purpose wire, and give the secret to the plugin in Moodle.",
        ),
        Code.SECRETS_UNREADABLE: (
            "Give the ENCRYPTION_KEY that they were kept with, or add new ones and retire these.",
        ),
        Code.TLS_ABSENT: (
            "Serve Moodle over https, and set $CFG->wwwroot in its config.php to the https address.",
            "The site has to be known here by that address, too: see docs/doctor.md, other_address.",
        ),
        Code.CERTIFICATE_UNTRUSTED: (
            "Have the web server of {host} send a valid certificate with its whole chain.",
            "One of an authority of your own: name its file in REQUESTS_CA_BUNDLE, for every process of CoP Bridge.",
        ),
        Code.CERTIFICATE_EXPIRES: ("Renew the certificate of {host}.",),
        Code.UNREACHABLE: (
            "See from this machine whether it can be reached: curl -sS -o /dev/null {wwwroot}/login/index.php",
            "Name resolution, a firewall or a proxy (HTTPS_PROXY, NO_PROXY) may be in the way.",
        ),
        Code.REDIRECTED: (
            "The address has to be $CFG->wwwroot of Moodle's config.php, to the letter: http or https,"
            " with or without www.",
        ),
        Code.NOT_MOODLE: (
            "The address has to be $CFG->wwwroot of Moodle's config.php, with its path where it has one.",
            "A firewall or proxy in front of Moodle has to let POST {wwwroot}/webservice/rest/server.php through.",
        ),
        Code.WEB_SERVICES_OFF: (
            "In Moodle: {admin} > General > Advanced features: Enable web services.",
            "In Moodle: {admin} > Server > Web services > Manage protocols: enable REST protocol.",
        ),
        Code.MAINTENANCE: (
            "In Moodle: {admin} > Server > Maintenance mode; or php admin/cli/maintenance.php --disable.",
        ),
        Code.SERVER_FAILED: ("Look into the logs of Moodle's web server and PHP at this moment, then try again.",),
        Code.TOKEN_INVALID: (
            "In Moodle: {admin} > Server > Web services > Manage tokens: make one that doesn't expire.",
            "Then: copbridge site secret add {site} --purpose web_services --from-stdin",
        ),
        Code.TOKEN_REFUSED: (
            "Moodle says the same for each of these, so look at all of them:",
            "{admin} > Users > Permissions > Define roles: the companion's role allows webservice/rest:use, and"
            " Assign system roles gives it to the account.",
            "{admin} > Server > Web services > External services: the service is enabled, and the account is among its"
            " authorised users, without an IP restriction or a date that has passed.",
            "{admin} > Server > Web services > Manage tokens: no IP restriction that leaves this machine out.",
            "{admin} > Users > Accounts: the account is confirmed, not suspended, and its password hasn't expired.",
        ),
        Code.CALL_FAILED: ("Try again; if it stays, look into the logs of Moodle's web server and PHP.",),
        Code.OTHER_ADDRESS: (
            "If {siteurl} is right: add the site under that address (copbridge site add), or, when events were refused"
            " already: copbridge site list tells the command that confirms it.",
            "If {wwwroot} is right: set $CFG->wwwroot in Moodle's config.php.",
        ),
        Code.VERSION_UNTRIED: ("Nothing has to be done; take an update of Moodle or of CoP Bridge when there is one.",),
        Code.TOKEN_OF_ADMIN: (
            "Make an account of its own, with a role that has just the capabilities of: copbridge doctor --needed",
        ),
        Code.FUNCTION_MISSING: _SERVICE,
        Code.FUNCTIONS_BEYOND: ("Use a service that has just the functions of: copbridge doctor --needed",),
        Code.PLUGIN_FUNCTIONS_MISSING: _OWN_SERVICE,
        Code.PLUGIN_FUNCTIONS_FEWER: _OWN_SERVICE,
        Code.CLOCK_OFF: ("Have both machines set their clocks by NTP (timedatectl shows whether they do).",),
        Code.CLOCK_FAR_OFF: ("Have both machines set their clocks by NTP (timedatectl shows whether they do).",),
        Code.NO_COURSE: ("Make a course, or name one: copbridge doctor {site} --course ID",),
        Code.COURSE_GONE: ("If it was deleted, nothing has to be done. Else see moodle/course:viewhiddencourses.",),
        Code.COURSES_NOT_CHOSEN: (
            _SETTINGS + ": Communities, and its categories or courses. Where they are none any more, nothing has to be"
            " done: their hours stay.",
        ),
        Code.NOTHING_CHOSEN: (_SETTINGS + ": Communities: choose the categories or courses, or all courses.",),
        Code.CAPABILITY_MISSING: _ROLE,
        Code.CAPABILITY_ONE_OF: (
            "In Moodle: {admin} > Users > Permissions > Check system permissions > the account: see which of them isn't"
            " allowed.",
            "{admin} > Users > Permissions > Define roles > the companion's role > Edit: allow it.",
        ),
        Code.CAPABILITY_WANTED: _ROLE,
        Code.CAPABILITY_BEYOND: (
            "It also lets its holder change things in Moodle.",
            "{admin} > Users > Permissions > Define roles > the companion's role > Edit: take {capability} away, unless"
            " something else needs it.",
        ),
        Code.PEOPLE_UNCOUNTED: (
            "Compare once by hand: Participants of that course, as an administrator, with the board.",
        ),
        Code.ATTENDANCE_UNREADABLE: _SERVICES,
        Code.ATTENDANCE_REFUSED: _ATTENDANCE_ROLE,
        Code.MESSAGES_UNSENDABLE: _SERVICES,
        Code.MESSAGES_REFUSED: _MESSAGES_ROLE,
        Code.COMPLETION_OFF: ("In Moodle: {admin} > General > Advanced features: Enable completion tracking.",),
        Code.COMPLETION_OFF_IN_COURSE: (
            "In Moodle: the course > Settings > Completion tracking > Enable completion tracking: Yes.",
        ),
        Code.CRON_UNKNOWN: (
            "In Moodle: {admin} > Server > Tasks > Scheduled tasks: Last run should be minutes ago;"
            " {admin} > Notifications warns when cron doesn't run.",
        ),
        Code.CRON_NEVER: (
            "Have the operating system run it each minute: * * * * * php /path/to/moodle/admin/cli/cron.php",
        ),
        Code.CRON_LATE: (
            "Have the operating system run it each minute: * * * * * php /path/to/moodle/admin/cli/cron.php",
            "{admin} > Server > Tasks > Tasks running now shows one that blocks the others.",
        ),
        Code.PLUGIN_ABSENT: (
            "Without it hours are right after each sweep, and nothing has to be done. To have them at once: copbridge"
            " plugin build, and the steps of copbridge site add. Where it can't be installed, another plugin may tell"
            " of events: docs/emitters.md.",
        ),
        Code.PLUGIN_FAILED: (_STATUS + " may say more; else PHP's log of this moment does.",),
        Code.PLUGIN_OLDER: (_UPGRADE,),
        Code.PLUGIN_NEWER: ("Update CoP Bridge. Until then what the newer one adds isn't used.",),
        Code.PLUGIN_UNCONFIRMED: (
            _STATUS + ": say there whether it is the same site under a new address, or another site.",
        ),
        Code.PLUGIN_OTHER_EPOCH: (
            "If this Moodle is the site itself (moved, restored, the plugin installed anew): copbridge site list prints"
            " the command that confirms it, once it has tried to send.",
            "If it is a copy: give it no token and no secret, and the address here that of the site itself.",
        ),
        Code.PLUGIN_REFUSED: ("{remedy}",),
        Code.PLUGIN_SILENT: (
            "In Moodle: {admin} > Server > Tasks > Scheduled tasks: Send to CoP Bridge: enabled, each minute.",
        ),
        Code.PLUGIN_WAITING: ("They are sent by Moodle's cron. " + _STATUS + " says what is in the way.",),
        Code.PLUGIN_GAVE_UP: (
            _STATUS + " > Events that were given up: each with its reason. Once that is mended, send them again there.",
            "copbridge replay --list --site {site} tells of them here.",
        ),
        Code.PLUGIN_DROPPED: ("The next sweep finds what they told; nothing else has to be done: copbridge sweep",),
        Code.PLUGIN_UNWRITTEN: (
            "The next sweep finds what they told: copbridge sweep",
            "PHP's log has why Moodle's database didn't take them.",
        ),
        Code.EVENTS_NEVER: (
            "In Moodle: {admin} > Plugins > Local plugins > CoP Bridge: the address and the secret that"
            " copbridge site add printed. Another secret: copbridge site secret add {site}",
        ),
        Code.EVENTS_SILENT: (
            "In a holiday that may be right. Else: is Moodle's cron running, is the plugin enabled, does this"
            " installation's PUBLIC_URL answer from Moodle's machine?",
        ),
        Code.COPY_REFUSED: (
            "A copy (staging, a backup): take address and secret away from it.",
            "The site itself: copbridge site list prints the command that confirms it.",
        ),
        Code.PING_FAILED: ("{remedy}",),
        Code.ROUND_TRIP_FAILED: (
            _SETTINGS + ": the address has to be {address}. It may be another installation's, or another site's here.",
        ),
        Code.INBOX_DEAD: (
            "copbridge replay --list --site {site} says why; the worker's log has the error.",
            _REPLAY.replace("{status}", "dead"),
        ),
        Code.INBOX_QUARANTINED: (
            "copbridge replay --list --site {site} says why.",
            _REPLAY.replace("{status}", "quarantined"),
        ),
        Code.INBOX_WAITING: (
            "The next sweep tells what they wait for; copbridge replay --list --site {site} names it.",
        ),
        Code.INBOX_BEHIND: ("See that a worker and a scheduler run: copbridge worker, copbridge scheduler.",),
        Code.SWEEP_NEVER: ("See that a worker and a scheduler run; a new site's first sweep begins within minutes.",),
        Code.SWEEP_LATE: ("See that a worker and a scheduler run, and that the site answers in time.",),
        Code.SWEEP_FAILED: ("Mend what the checks above name; the next sweep does the rest.",),
        Code.COMMUNITIES_NONE: (
            "copbridge program apply FILE loads a program; copbridge program check FILE --courses tells which courses"
            " it takes for communities, and why not. Of a site that was never swept no course is known:"
            " copbridge sweep",
        ),
        Code.COURSE_IDNUMBERS_MISSING: ("In Moodle: the course > Settings > General > Course ID number.",),
        Code.COURSE_IDNUMBERS_DOUBLED: ("In Moodle: give all but one another ID number (a copied course keeps none).",),
        Code.MODULE_IDNUMBERS_MISSING: (
            "In Moodle: the activity > Settings > Common module settings > ID number, as the program's rules name it.",
        ),
        Code.MODULE_IDNUMBERS_DOUBLED: (
            "In Moodle: the activity > Settings > Common module settings > ID number: give each its own.",
        ),
        Code.ACTIVITIES_UNRULED: (
            "Right for what shouldn't earn. Else add a rule: copbridge program check FILE --courses, docs/programs.md.",
        ),
        Code.ACTIVITIES_UNTRACKED: ("In Moodle: the activity > Settings > Completion conditions: choose one.",),
        Code.PROVIDER_NAMES_ANYBODY: ("copbridge provider hold CODE --domain D, once for each of its domains.",),
        Code.RULES_UNMATCHED: ("Right for what is still to come. Else: copbridge program check FILE --courses",),
    }
)
