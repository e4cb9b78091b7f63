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

use local_copbridge\external\add_cohort_enrolment;
use local_copbridge\fixtures\provision_testcase;
use local_copbridge\local\provision\cohort_enrolment;
use local_copbridge\local\provision\problem;

defined('MOODLE_INTERNAL') || die();

require_once(__DIR__ . '/fixtures/provision_testcase.php');

/**
 * Tests of enrolling a cohort.
 *
 * @package    local_copbridge
 * @category   test
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\provision\cohort_enrolment
 * @covers     \local_copbridge\external\add_cohort_enrolment
 * @covers     \local_copbridge\task\sync_cohort
 */
final class add_cohort_enrolment_test extends provision_testcase {
    /** @var int the role of students */
    private int $student;

    /**
     * An account that may assign students, and cohort enrolments switched on.
     */
    protected function setUp(): void {
        global $CFG, $DB;
        parent::setUp();
        require_once($CFG->dirroot . '/cohort/lib.php');
        $this->student = (int) $DB->get_field('role', 'id', ['shortname' => 'student']);
        assign_capability('moodle/role:assign', CAP_ALLOW, $this->role, \context_system::instance());
        core_role_set_assign_allowed($this->role, $this->student);
        set_config('enrol_plugins_enabled', 'manual,cohort');
    }

    /**
     * A cohort.
     *
     * @param int $members
     * @param int $contextid 0: of the site
     * @return int
     */
    private function cohort(int $members, int $contextid = 0): int {
        $contextid = $contextid ?: \context_system::instance()->id;
        $id = (int) $this->getDataGenerator()->create_cohort(['contextid' => $contextid])->id;
        for ($i = 0; $i < $members; $i++) {
            cohort_add_member($id, $this->getDataGenerator()->create_user()->id);
        }
        return $id;
    }

    /**
     * How many are enrolled.
     *
     * @return int
     */
    private function enrolled(): int {
        return count_enrolled_users(\context_course::instance($this->course->id));
    }

    /**
     * A small cohort is enrolled at once, into its group, and once.
     */
    public function test_small(): void {
        $cohort = $this->cohort(3);
        $group = (int) $this->getDataGenerator()->create_group(['courseid' => $this->course->id])->id;
        $made = add_cohort_enrolment::execute($this->course->id, $cohort, $this->student, $group);
        $this->assertSame(['created', 3, true], [$made['outcome'], $made['members'], $made['synced']]);
        $this->assertSame(3, $this->enrolled());
        $this->assertCount(3, groups_get_members($group));
        $again = add_cohort_enrolment::execute($this->course->id, $cohort, $this->student, $group);
        $this->assertSame(['there', $made['enrolid']], [$again['outcome'], $again['enrolid']]);
        $this->expectException(problem::class);
        add_cohort_enrolment::execute($this->course->id, $cohort, $this->student);
    }

    /**
     * A large one is enrolled by a task.
     */
    public function test_large(): void {
        global $DB;
        $cohort = $this->cohort(0);
        for ($i = 0; $i <= cohort_enrolment::ATONCE; $i++) {
            $DB->insert_record('cohort_members', (object) ['cohortid' => $cohort, 'userid' => 100000 + $i, 'timeadded' => 1]);
        }
        cohort_add_member($cohort, $this->getDataGenerator()->create_user()->id);
        $made = add_cohort_enrolment::execute($this->course->id, $cohort, $this->student);
        $this->assertFalse($made['synced']);
        $this->assertSame(0, $this->enrolled());
        $this->runAdhocTasks(\local_copbridge\task\sync_cohort::class);
        $this->assertSame(1, $this->enrolled());
    }

    /**
     * What is refused, and why.
     */
    public function test_refused(): void {
        global $DB;
        $teacher = (int) $DB->get_field('role', 'id', ['shortname' => 'editingteacher']);
        $elsewhere = \context_coursecat::instance($this->getDataGenerator()->create_category()->id)->id;
        $cohort = $this->cohort(1);
        $refused = [
            'role' => [$cohort, $teacher, 0], 'nocohort' => [$this->cohort(1, $elsewhere), $this->student, 0],
            'nogroup' => [$cohort, $this->student, 987654],
        ];
        foreach ($refused as $reason => $asked) {
            $this->assertSame($reason, $this->reason(...$asked));
        }
        set_config('enrol_plugins_enabled', 'manual');
        $this->assertSame('cohortoff', $this->reason($cohort, $this->student, 0));
        $this->assertSame(0, $DB->count_records('enrol', ['enrol' => 'cohort']));
    }

    /**
     * Why an enrolment is refused.
     *
     * @param int $cohort
     * @param int $role
     * @param int $group
     * @return string
     */
    private function reason(int $cohort, int $role, int $group): string {
        try {
            add_cohort_enrolment::execute($this->course->id, $cohort, $role, $group);
        } catch (problem $problem) {
            return $problem->reason;
        }
        return '';
    }
}
