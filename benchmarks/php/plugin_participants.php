<?php
// --people: makes a course with a page to tick and a page to look at, so many participants, as many newcomers, and a
// teacher, each with a token; then does what it is told (see the end). Everything goes when standard input ends.
require(__DIR__ . '/plugin_boot.php');
require_once("$CFG->dirroot/course/lib.php");
require_once("$CFG->dirroot/course/modlib.php");
require_once("$CFG->dirroot/user/lib.php");
require_once("$CFG->dirroot/webservice/lib.php");
require_once("$CFG->libdir/completionlib.php");
require_once("$CFG->libdir/enrollib.php");

/** What is made, and removed. */
final class bench_world {
    public array $users = [];
    public ?stdClass $course = null;
    public ?core_course_category $category = null;
    public int $role = 0;
    public int $service = 0;
    public array $pages = [];
    private array $settings;
    private string $name;

    public function __construct() {
        $this->settings = bench_settings();
        $this->name = 'copbridge-bench-' . bin2hex(random_bytes(4));
    }

    /** The course with its people. */
    public function make(int $people): array {
        set_config('scope', 'none', 'local_copbridge');
        // Nothing of this may reach a service: a port where nobody listens.
        set_config('endpoint', 'http://127.0.0.1:9/webhooks/bench/events', 'local_copbridge');
        set_config('secret', 'whsec_' . base64_encode(random_bytes(32)), 'local_copbridge');
        set_config('secret2', '', 'local_copbridge');
        $this->category = core_course_category::create(['name' => 'CoP Bridge benchmark', 'idnumber' => $this->name]);
        $this->course = create_course((object) [
            'fullname' => 'CoP Bridge benchmark', 'shortname' => $this->name, 'category' => $this->category->id,
            'enablecompletion' => 1,
        ]);
        $this->pages = [$this->page('To tick', COMPLETION_TRACKING_MANUAL), $this->page('To see', COMPLETION_TRACKING_AUTOMATIC)];
        $this->service();
        $teacher = $this->user('teacher', 'editingteacher');
        $students = array_map(fn($i) => $this->user("s$i", 'student'), range(1, $people));
        $newcomers = array_map(fn($i) => $this->user("n$i", ''), range(1, $people));
        return [
            'course' => (int) $this->course->id,
            'tick' => (int) $this->pages[0]->coursemodule,
            'page' => (int) $this->pages[1]->instance,
            'teacher' => $this->token($teacher),
            'students' => array_map($this->token(...), $students),
            'newcomers' => $newcomers,
            'role' => $this->role_of('student'),
            'moodle' => $GLOBALS['CFG']->release,
        ];
    }

    /** Everything goes, and the settings are as they were. */
    public function remove(): void {
        global $DB;
        set_config('scope', 'none', 'local_copbridge');
        if ($this->service) {
            (new webservice())->delete_service($this->service);
        }
        if ($this->course) {
            delete_course($this->course->id, false);
            $DB->delete_records('local_copbridge_outbox', ['courseid' => $this->course->id]);
        }
        foreach ($this->users as $userid) {
            delete_user($DB->get_record('user', ['id' => $userid], '*', MUST_EXIST));
        }
        if ($this->role) {
            delete_role($this->role);
        }
        $this->category?->delete_full(false);
        bench_restore($this->settings);
    }

    /** The rows that the plugin has kept of this course. */
    public function rows(): int {
        global $DB;
        return $DB->count_records('local_copbridge_outbox', ['courseid' => $this->course->id]);
    }

    /** Nobody has seen the page to see. */
    public function forget(): int {
        global $DB;
        $cm = ['coursemoduleid' => $this->pages[1]->coursemodule];
        $DB->delete_records('course_modules_completion', $cm);
        $DB->delete_records('course_modules_viewed', $cm);
        $cache = cache::make('core', 'completion');
        $cache->delete_many(array_map(fn($userid) => "{$userid}_{$this->course->id}", $this->users));
        return 0;
    }

    /** Milliseconds that the plugin's observer takes of an event; the rows that it writes go again. */
    public function observer(int $times): float {
        global $DB;
        $event = \core\event\course_module_completion_updated::create([
            'objectid' => 0, 'context' => context_module::instance($this->pages[0]->coursemodule),
            'relateduserid' => end($this->users),
            'other' => ['relateduserid' => end($this->users), 'overrideby' => null, 'completionstate' => 1],
        ]);
        $last = (int) $DB->get_field_sql('SELECT COALESCE(MAX(id), 0) FROM {local_copbridge_outbox}');
        \local_copbridge\observer::saw($event);
        $began = microtime(true);
        for ($i = 0; $i < $times; $i++) {
            \local_copbridge\observer::saw($event);
        }
        $seconds = microtime(true) - $began;
        $where = 'id > ? AND courseid = ?';
        $DB->delete_records_select('local_copbridge_outbox', $where, [$last, $this->course->id]);
        return 1000 * $seconds / $times;
    }

    private function page(string $name, int $tracking): stdClass {
        global $DB;
        return add_moduleinfo((object) [
            'modulename' => 'page', 'module' => $DB->get_field('modules', 'id', ['name' => 'page'], MUST_EXIST),
            'name' => $name, 'intro' => '', 'introformat' => FORMAT_HTML, 'content' => 'Text', 'contentformat' => FORMAT_HTML,
            'display' => 5, 'printintro' => 0, 'printlastmodified' => 1, 'section' => 0, 'visible' => 1, 'cmidnumber' => '',
            'completion' => $tracking, 'completionview' => (int) ($tracking === COMPLETION_TRACKING_AUTOMATIC),
            'completionexpected' => 0, 'groupmode' => 0, 'groupingid' => 0, 'availability' => null, 'course' => $this->course->id,
        ], $this->course);
    }

    private function service(): void {
        $service = ['name' => $this->name, 'shortname' => $this->name, 'enabled' => 1, 'restrictedusers' => 0,
            'requiredcapability' => '', 'downloadfiles' => 0, 'uploadfiles' => 0];
        $this->service = (new webservice())->add_external_service((object) $service);
        $functions = ['core_webservice_get_site_info', 'core_completion_update_activity_completion_status_manually',
            'mod_page_view_page', 'enrol_manual_enrol_users', 'enrol_manual_unenrol_users'];
        foreach ($functions as $function) {
            (new webservice())->add_external_function_to_service($function, $this->service);
        }
        $this->role = create_role($this->name, $this->name, '');
        assign_capability('webservice/rest:use', CAP_ALLOW, $this->role, context_system::instance()->id, true);
    }

    private function user(string $name, string $role): int {
        global $CFG;
        $userid = user_create_user((object) [
            'username' => "$this->name-$name", 'firstname' => 'Bench', 'lastname' => $name, 'confirmed' => 1,
            'email' => "$this->name-$name@example.org", 'password' => 'Aa1!' . bin2hex(random_bytes(8)),
            'mnethostid' => $CFG->mnet_localhost_id, 'policyagreed' => 1,
        ], true, false);
        $this->users[] = (int) $userid;
        role_assign($this->role, $userid, context_system::instance());
        if ($role !== '') {
            enrol_try_internal_enrol($this->course->id, $userid, $this->role_of($role));
        }
        return (int) $userid;
    }

    private function role_of(string $archetype): int {
        $found = get_archetype_roles($archetype);
        return (int) reset($found)->id;
    }

    private function token(int $userid): string {
        $service = (object) ['id' => $this->service];
        $system = context_system::instance();
        return \core_external\util::generate_token(EXTERNAL_TOKEN_PERMANENT, $service, $userid, $system);
    }
}

$world = new bench_world();
try {
    bench_talk([
        'make' => fn(string $people) => $world->make((int) $people),
        'scope' => fn(string $scope) => set_config('scope', $scope, 'local_copbridge'),
        'forget' => fn() => $world->forget(),
        'rows' => fn() => $world->rows(),
        'observer' => fn(string $times) => $world->observer((int) $times),
    ]);
} finally {
    $world->remove();
}
