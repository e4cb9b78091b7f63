<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge;

use local_copbridge\external\set_presence;
use local_copbridge\fixtures\provision_testcase;

defined('MOODLE_INTERNAL') || die();

require_once(__DIR__ . '/fixtures/provision_testcase.php');

/**
 * Tests of completions that are written for people's presence.
 *
 * @package    local_copbridge
 * @category   test
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\provision\presence
 * @covers     \local_copbridge\external\set_presence
 */
final class presence_test extends provision_testcase {
    /** @var \stdClass a participant */
    private \stdClass $user;

    /** @var int an activity that people tick themselves */
    private int $manual;

    /** @var int an activity with a rule */
    private int $automatic;

    /**
     * A participant, and two activities.
     */
    protected function setUp(): void {
        parent::setUp();
        $this->user = $this->getDataGenerator()->create_and_enrol($this->course, 'student');
        $this->manual = $this->module(['completion' => COMPLETION_TRACKING_MANUAL]);
        $this->automatic = $this->module(['completion' => COMPLETION_TRACKING_AUTOMATIC, 'completionview' => 1]);
    }

    /**
     * Makes an activity.
     *
     * @param array $fields
     * @return int
     */
    private function module(array $fields): int {
        return (int) $this->getDataGenerator()->create_module('page', ['course' => $this->course->id] + $fields)->cmid;
    }

    /**
     * Sets the participant's presence.
     *
     * @param int $cmid
     * @param bool $present
     * @param int|null $userid
     * @return string
     */
    private function present(int $cmid, bool $present, ?int $userid = null): string {
        $rows = [['cmid' => $cmid, 'userid' => $userid ?? $this->user->id, 'present' => $present]];
        return set_presence::execute($rows)[0]['outcome'];
    }

    /**
     * The completion row.
     *
     * @param int $cmid
     * @return array state and who wrote it over
     */
    private function row(int $cmid): array {
        global $DB;
        $row = $DB->get_record('course_modules_completion', ['coursemoduleid' => $cmid, 'userid' => $this->user->id]);
        return $row ? [(int) $row->completionstate, $row->overrideby === null ? null : (int) $row->overrideby] : [];
    }

    /**
     * Ten calls write once, and Moodle's own event fires once.
     */
    public function test_once(): void {
        $sink = $this->redirectEvents();
        foreach ([$this->manual, $this->automatic] as $cmid) {
            $outcomes = array_map(fn(): string => $this->present($cmid, true), range(1, 10));
            $this->assertSame(['written', ...array_fill(0, 9, 'unchanged')], $outcomes);
            $this->assertSame([COMPLETION_COMPLETE, (int) $this->service->id], $this->row($cmid));
        }
        $events = array_filter($sink->get_events(), fn($event): bool =>
            $event instanceof \core\event\course_module_completion_updated);
        $this->assertCount(2, $events);
    }

    /**
     * Only what we wrote is taken back, and it can be written again.
     */
    public function test_taken_back(): void {
        $this->assertSame('unchanged', $this->present($this->manual, false));
        $this->assertSame([], $this->row($this->manual));
        foreach (['written', 'unchanged'] as $outcome) {
            $this->assertSame($outcome, $this->present($this->manual, true));
        }
        foreach (['written', 'unchanged'] as $outcome) {
            $this->assertSame($outcome, $this->present($this->manual, false));
        }
        $this->assertSame([COMPLETION_INCOMPLETE, (int) $this->service->id], $this->row($this->manual));
        $this->assertSame('written', $this->present($this->manual, true));
    }

    /**
     * What the participant does afterwards stands.
     */
    public function test_participant_unticks(): void {
        $this->present($this->manual, true);
        $this->setUser($this->user);
        $cm = get_fast_modinfo($this->course->id)->get_cm($this->manual);
        (new \completion_info($this->course))->update_state($cm, COMPLETION_INCOMPLETE, $this->user->id);
        $this->setUser($this->service);
        $this->assertSame('changed_since', $this->present($this->manual, true));
        $this->assertSame('unchanged', $this->present($this->manual, false));
        $this->assertSame([COMPLETION_INCOMPLETE, null], $this->row($this->manual));
    }

    /**
     * A teacher's decision stands, whether it came before us or after.
     */
    public function test_teacher_overrides(): void {
        $this->setAdminUser();
        $completion = new \completion_info($this->course);
        $cm = get_fast_modinfo($this->course->id)->get_cm($this->automatic);
        $completion->update_state($cm, COMPLETION_COMPLETE, $this->user->id, true);
        $this->setUser($this->service);
        $this->assertSame('unchanged', $this->present($this->automatic, true));
        $this->assertSame('changed_since', $this->present($this->automatic, false));
        $this->setAdminUser();
        $completion->update_state($cm, COMPLETION_INCOMPLETE, $this->user->id, true);
        $this->setUser($this->service);
        $this->assertSame('changed_since', $this->present($this->automatic, true));
        $this->assertSame([COMPLETION_INCOMPLETE, (int) get_admin()->id], $this->row($this->automatic));
    }

    /**
     * Who met the activity's own rules in the meantime keeps the completion, as Moodle's verdict.
     */
    public function test_taken_back_but_earned(): void {
        $this->present($this->automatic, true);
        $this->setUser($this->user);
        $cm = get_fast_modinfo($this->course->id)->get_cm($this->automatic);
        (new \completion_info($this->course))->set_module_viewed($cm, $this->user->id);
        $this->setUser($this->service);
        $this->assertSame('written', $this->present($this->automatic, false));
        $this->assertSame([COMPLETION_COMPLETE, null], $this->row($this->automatic));
    }

    /**
     * A failed grade is not written over.
     */
    public function test_failed(): void {
        global $DB;
        $DB->insert_record('course_modules_completion', (object) [
            'coursemoduleid' => $this->automatic, 'userid' => $this->user->id, 'completionstate' => COMPLETION_COMPLETE_FAIL,
            'timemodified' => 1,
        ]);
        $this->assertSame('changed_since', $this->present($this->automatic, true));
        $this->assertSame([COMPLETION_COMPLETE_FAIL, null], $this->row($this->automatic));
    }

    /**
     * A course that was reset is not filled again.
     */
    public function test_reset(): void {
        global $DB;
        $this->present($this->manual, true);
        $DB->delete_records('course_modules_completion', ['coursemoduleid' => $this->manual]);
        $this->assertSame('changed_since', $this->present($this->manual, true));
    }

    /**
     * Rows that cannot be written, and why.
     */
    public function test_refused(): void {
        $stranger = $this->getDataGenerator()->create_user();
        $generator = $this->getDataGenerator();
        $suspended = $generator->create_and_enrol($this->course, 'student', null, 'manual', 0, 0, ENROL_USER_SUSPENDED);
        $this->assertSame('not_enrolled', $this->present($this->manual, true, $stranger->id));
        $this->assertSame('not_enrolled', $this->present($this->manual, true, $suspended->id));
        $this->assertSame('not_tracked', $this->present($this->module(['completion' => 0]), true));
        $this->assertSame('not_there', $this->present(987654, true));
        $this->expectExceptionMessage('at most 500');
        set_presence::execute(array_fill(0, 501, ['cmid' => 1, 'userid' => 1, 'present' => 1]));
    }

    /**
     * Without the capability in one of the courses nothing is written in any.
     */
    public function test_capability(): void {
        $other = $this->getDataGenerator()->create_course(['enablecompletion' => 1]);
        $context = \context_course::instance($other->id);
        assign_capability('local/copbridge:setpresence', CAP_PROHIBIT, $this->role, $context);
        $there = $this->getDataGenerator()->create_module('page', ['course' => $other->id, 'completion' => 1])->cmid;
        $row = ['userid' => $this->user->id, 'present' => 1];
        try {
            set_presence::execute([['cmid' => $this->manual] + $row, ['cmid' => $there] + $row]);
            $this->fail('written without the capability');
        } catch (\required_capability_exception) {
            $this->assertSame([], $this->row($this->manual));
        }
    }
}
