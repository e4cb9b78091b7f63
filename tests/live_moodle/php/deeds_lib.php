<?php
// What deeds.php can do: each do_* is one thing that a participant, a teacher or an administrator does.

final class live_deeds {
    private stdClass $course;
    private int $user;
    private int $cm;

    public function __construct(int $course, private array $deed) {
        global $DB;
        $this->course = live_course($course);
        $this->cm = (int) ($deed['cm'] ?? 0);
        $this->user = (int) ($deed['user'] ?? 0);
        $name = $this->user ? $DB->get_field('user', 'username', ['id' => $this->user], MUST_EXIST) : 'copbridge-live-';
        if (strpos($name, 'copbridge-live-') !== 0) {
            throw new moodle_exception('notours', 'error', '', null, $name);
        }
    }

    private function cm(): cm_info {
        return get_fast_modinfo($this->course)->get_cm($this->cm);
    }

    private function completion(): completion_info {
        return new completion_info($this->course);
    }

    private function as_user(): void {
        \core\session\manager::set_user(core_user::get_user($this->user, '*', MUST_EXIST));
    }

    private function state(): ?int {
        global $DB;
        $key = ['coursemoduleid' => $this->cm, 'userid' => $this->user];
        $state = $DB->get_field('course_modules_completion', 'completionstate', $key);
        return $state === false ? null : (int) $state;
    }

    public function do_tick(): ?int {
        $this->as_user();
        $this->completion()->update_state($this->cm(), (int) $this->deed['state'], $this->user);
        return $this->state();
    }

    /** Ticked and un-ticked, again and again, each time with an event. */
    public function do_ticks(): int {
        $this->deed['state'] = $this->state() ? 0 : 1;
        foreach (range(1, (int) $this->deed['times']) as $time) {
            $this->do_tick();
            $this->deed['state'] = 1 - $this->deed['state'];
        }
        return $this->state();
    }

    public function do_override(): ?int {
        $this->completion()->update_state($this->cm(), (int) $this->deed['state'], $this->user, true);
        return $this->state();
    }

    public function do_view(): ?int {
        $this->as_user();
        $this->completion()->set_module_viewed($this->cm(), $this->user);
        return $this->state();
    }

    /** Whatever completes this activity. */
    public function do_complete(): ?int {
        $cm = $this->cm();
        if ((int) $cm->completion === COMPLETION_TRACKING_MANUAL) {
            $this->deed['state'] = 1;
            return $this->do_tick();
        }
        if ($cm->completionview) {
            $this->do_view();
        }
        $way = 'complete_' . $cm->modname;
        if (!$this->state() && method_exists($this, $way)) {
            $this->as_user();
            $this->$way($cm);
        }
        return $this->state();
    }

    private static function generator(string $kind): component_generator_base {
        return phpunit_util::get_data_generator()->get_plugin_generator("mod_$kind");
    }

    private function complete_assign(cm_info $cm): void {
        self::generator('assign')->create_submission(['userid' => $this->user, 'cmid' => $cm->id, 'onlinetext' => 'Text']);
        if ($cm->completiongradeitemnumber !== null) {
            $this->deed['grade'] = 90;
            $this->do_grade();
        }
    }

    private function complete_quiz(cm_info $cm): void {
        $attempt = self::generator('quiz')->create_attempt($cm->instance, $this->user);
        $answer = ['answer' => ($this->deed['right'] ?? true) ? 1 : 0];
        \mod_quiz\quiz_attempt::create($attempt->id)->process_submitted_actions(time(), false, [1 => $answer]);
        \mod_quiz\quiz_attempt::create($attempt->id)->process_finish(time(), false);
    }

    private function complete_choice(cm_info $cm): void {
        $choice = choice_get_choice($cm->instance);
        choice_user_submit_response(array_key_first($choice->option), $choice, $this->user, $this->course, $cm);
    }

    private function complete_forum(cm_info $cm): void {
        self::generator('forum')->create_discussion(['course' => $this->course->id, 'forum' => $cm->instance,
            'userid' => $this->user, 'name' => 'Hello', 'message' => 'Hello']);
        $this->completion()->update_state($cm, COMPLETION_COMPLETE, $this->user);
    }

    private function complete_feedback(cm_info $cm): void {
        global $CFG, $DB;
        require_once($CFG->dirroot . '/mod/feedback/lib.php');
        $feedback = $DB->get_record('feedback', ['id' => $cm->instance], '*', MUST_EXIST);
        $response = new mod_feedback_completion($feedback, $cm, $this->course->id);
        $values = [];
        foreach ($response->get_items(true) as $item) {
            $values["{$item->typ}_{$item->id}"] = 'Fine';
        }
        $response->save_response_tmp((object) $values);
        $response->save_response();
    }

    private function complete_glossary(cm_info $cm): void {
        self::generator('glossary')->create_entry(['glossaryid' => $cm->instance, 'userid' => $this->user,
            'concept' => "Term $this->user", 'definition' => 'x', 'approved' => 1]);
        $this->completion()->update_state($cm, COMPLETION_COMPLETE, $this->user);
    }

    public function do_quiz(): ?int {
        $this->as_user();
        $this->complete_quiz($this->cm());
        return $this->state();
    }

    /** A teacher's grade; null takes it away. */
    public function do_grade(): ?int {
        global $USER;
        \core\session\manager::set_user(get_admin());
        $assign = new assign(context_module::instance($this->cm), $this->cm(), $this->course);
        $grade = $assign->get_user_grade($this->user, true);
        $grade->grade = $this->deed['grade'] ?? -1;
        $grade->grader = $USER->id;
        $assign->update_grade($grade);
        return $this->state();
    }

    public function do_remove_submission(): ?int {
        $assign = new assign(context_module::instance($this->cm), $this->cm(), $this->course);
        $assign->remove_submission($this->user);
        return $this->state();
    }

    public function do_enrol(): void {
        global $DB;
        $instance = $DB->get_record('enrol', ['courseid' => $this->course->id, 'enrol' => 'manual'], '*', MUST_EXIST);
        enrol_get_plugin('manual')->enrol_user($instance, $this->user, (int) $this->deed['role'],
            (int) ($this->deed['timestart'] ?? 0), (int) ($this->deed['timeend'] ?? 0), (int) ($this->deed['status'] ?? 0));
    }

    public function do_change_enrolment(): void {
        global $DB;
        $instance = $DB->get_record('enrol', ['courseid' => $this->course->id, 'enrol' => 'manual'], '*', MUST_EXIST);
        enrol_get_plugin('manual')->update_user_enrol($instance, $this->user, $this->deed['status'] ?? null,
            $this->deed['timestart'] ?? null, $this->deed['timeend'] ?? null);
    }

    public function do_unenrol(): void {
        global $DB;
        $instance = $DB->get_record('enrol', ['courseid' => $this->course->id, 'enrol' => 'manual'], '*', MUST_EXIST);
        enrol_get_plugin('manual')->unenrol_user($instance, $this->user);
    }

    public function do_role(): void {
        $context = context_course::instance($this->course->id);
        $this->deed['on']
            ? role_assign((int) $this->deed['role'], $this->user, $context->id)
            : role_unassign((int) $this->deed['role'], $this->user, $context->id);
    }

    private function group(): stdClass {
        global $DB;
        return $DB->get_record('groups', ['courseid' => $this->course->id, 'idnumber' => $this->deed['group']], '*', MUST_EXIST);
    }

    public function do_make_group(): int {
        $row = ['courseid' => $this->course->id, 'name' => 'G & ' . $this->deed['group'], 'idnumber' => $this->deed['group']];
        return groups_create_group((object) $row);
    }

    public function do_join(): bool {
        return groups_add_member($this->group()->id, $this->user);
    }

    public function do_leave(): bool {
        return groups_remove_member($this->group()->id, $this->user);
    }

    public function do_rename_group(): void {
        $group = $this->group();
        $group->name = $this->deed['name'];
        groups_update_group($group);
    }

    public function do_delete_group(): bool {
        return groups_delete_group($this->group()->id);
    }

    public function do_make_grouping(): void {
        $row = ['courseid' => $this->course->id, 'name' => $this->deed['name'], 'idnumber' => $this->deed['idnumber'] ?? ''];
        groups_assign_grouping(groups_create_grouping((object) $row), $this->group()->id);
    }

    public function do_rename_module(): void {
        set_coursemodule_name($this->cm, $this->deed['name']);
    }

    /** As the form saves it: an event of the module. */
    public function do_change_module(): void {
        global $CFG;
        require_once($CFG->dirroot . '/mod/page/lib.php');
        require_once($CFG->dirroot . '/mod/page/locallib.php');
        [$cm, , , $data] = get_moduleinfo_data(get_coursemodule_from_id('', $this->cm, 0, false, MUST_EXIST), $this->course);
        $data->introeditor = ['text' => '', 'format' => FORMAT_HTML, 'itemid' => file_get_unused_draft_itemid()];
        $data->page = ['text' => 'x', 'format' => FORMAT_HTML, 'itemid' => file_get_unused_draft_itemid()];
        $data->printintro = 0;
        $data->printlastmodified = 1;
        foreach (['name', 'cmidnumber'] as $name) {
            $data->$name = $this->deed[$name] ?? $data->$name;
        }
        $data->completiongradeitemnumber = $cm->completiongradeitemnumber ?? '';
        update_moduleinfo($cm, $data, $this->course);
    }

    public function do_hide(): void {
        set_coursemodule_visible($this->cm, 0);
        \core\event\course_module_updated::create_from_cm($this->cm())->trigger();
    }

    public function do_delete_module(): void {
        course_delete_module($this->cm, (bool) ($this->deed['async'] ?? false));
    }

    public function do_rename_section(): void {
        global $DB;
        $section = $DB->get_record('course_sections', ['course' => $this->course->id, 'section' => $this->deed['number']]);
        course_update_section($this->course, $section, ['name' => $this->deed['name']]);
    }

    public function do_move_module(): void {
        global $DB;
        $section = $DB->get_record('course_sections', ['course' => $this->course->id, 'section' => $this->deed['number']]);
        moveto_module(get_coursemodule_from_id('', $this->cm), $section);
        \core\event\course_module_updated::create_from_cm(get_fast_modinfo($this->course->id)->get_cm($this->cm))->trigger();
    }

    public function do_change_course(): void {
        update_course((object) (['id' => $this->course->id] + $this->deed['values']));
    }

    public function do_change_user(): void {
        user_update_user((object) (['id' => $this->user] + $this->deed['values']), false);
    }

    public function do_delete_user(): bool {
        return delete_user(core_user::get_user($this->user, '*', MUST_EXIST));
    }

    public function do_hours(): void {
        global $USER;
        \local_copbridge\local\hours::set($this->cm, $this->deed['minutes'], $this->deed['component'] ?? '', $USER->id);
    }

    /** Rows that vanish under Moodle's feet. */
    public function do_delete_rows(): void {
        global $DB;
        $key = array_filter(['coursemoduleid' => $this->cm, 'userid' => $this->user]);
        $DB->delete_records('course_modules_completion', $key);
    }

    /** A plugin, or an administrator, that writes into the table. */
    public function do_write_row(): void {
        global $DB;
        $key = ['coursemoduleid' => $this->cm, 'userid' => $this->user];
        $row = (object) ($key + ['completionstate' => $this->deed['state'], 'timemodified' => time(), 'viewed' => 0]);
        $row->id = $DB->get_field('course_modules_completion', 'id', $key);
        $row->id ? $DB->update_record('course_modules_completion', $row) : $DB->insert_record('course_modules_completion', $row);
    }

    public function do_write_enrolment(): void {
        global $DB;
        $instance = $DB->get_field('enrol', 'id', ['courseid' => $this->course->id, 'enrol' => 'manual'], MUST_EXIST);
        $key = ['enrolid' => $instance, 'userid' => $this->user];
        foreach ($this->deed['values'] as $name => $value) {
            $DB->set_field('user_enrolments', $name, $value, $key);
        }
    }

    public function do_bulk_grade(): ?int {
        $cm = $this->cm();
        $grade = ['userid' => $this->user, 'rawgrade' => (float) $this->deed['grade'], 'dategraded' => time()];
        grade_update("mod/$cm->modname", $this->course->id, 'mod', $cm->modname, $cm->instance, 0, [$this->user => $grade],
            null, true);
        return $this->state();
    }

    /** A change that is taken back as a whole. */
    public function do_rolled_back(): ?int {
        global $DB;
        $transaction = $DB->start_delegated_transaction();
        foreach ($this->deed['deeds'] as $deed) {
            (new self($this->course->id, $deed))->{'do_' . $deed['do']}();
        }
        try {
            $transaction->rollback(new moodle_exception('error'));
        } catch (moodle_exception $e) {
            \cache_helper::purge_all();
        }
        return $this->cm ? $this->state() : null;
    }
}
