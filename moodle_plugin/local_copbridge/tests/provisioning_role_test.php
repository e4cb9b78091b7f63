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

use local_copbridge\local\provisioning_role;
use local_copbridge\local\service_role;

/**
 * Tests of the role, and the service, of the account that sets up courses.
 *
 * @package    local_copbridge
 * @category   test
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\provisioning_role
 * @covers     \local_copbridge\local\made_role
 */
final class provisioning_role_test extends \advanced_testcase {
    protected function setUp(): void {
        parent::setUp();
        $this->resetAfterTest();
        $this->setAdminUser();
    }

    /**
     * An account with the role and nothing else.
     *
     * @return \stdClass
     */
    private function account(): \stdClass {
        $account = $this->getDataGenerator()->create_user();
        role_assign(provisioning_role::ours(), $account->id, SYSCONTEXTID);
        return $account;
    }

    /**
     * It was made at installation, with what is listed and leave to assign three roles.
     */
    public function test_made_at_installation(): void {
        global $DB;
        $id = provisioning_role::ours();
        $this->assertNotNull($id);
        $this->assertNotEquals(service_role::ours(), $id);
        $held = $DB->get_fieldset_select('role_capabilities', 'capability', 'roleid = ? AND permission = ?', [$id, CAP_ALLOW]);
        $this->assertEqualsCanonicalizing(provisioning_role::capabilities(), $held);
        foreach ($held as $capability) {
            $this->assertNotNull(get_capability_info($capability), $capability);
        }
        $assigned = $DB->get_fieldset_sql(
            'SELECT r.shortname FROM {role_allow_assign} a JOIN {role} r ON r.id = a.allowassign WHERE a.roleid = ?',
            [$id]
        );
        $this->assertEqualsCanonicalizing(['student', 'teacher', 'editingteacher'], $assigned);
        $this->assertSame([CONTEXT_SYSTEM], array_map('intval', array_values(get_role_contextlevels($id))));
    }

    /**
     * The everyday role and service can do none of it.
     */
    public function test_apart_from_everyday(): void {
        global $DB;
        $common = array_intersect(service_role::capabilities(), provisioning_role::capabilities());
        $this->assertEqualsCanonicalizing([
            'webservice/rest:use', 'moodle/course:view', 'moodle/course:viewhiddencourses', 'local/copbridge:getcoursemap',
            'local/copbridge:getcourses', 'local/copbridge:getroster', 'local/copbridge:getstatus',
        ], $common);
        $this->assertNotContains('moodle/backup:userinfo', provisioning_role::capabilities());
        $names = fn(string $service): array => $DB->get_fieldset_sql(
            'SELECT f.functionname
               FROM {external_services_functions} f
               JOIN {external_services} s ON s.id = f.externalserviceid
              WHERE s.shortname = ? AND s.restrictedusers = 1 AND s.enabled = 1',
            [$service]
        );
        $ours = $names(provisioning_role::SERVICE);
        $this->assertCount(30, $ours);
        foreach ($ours as $name) {
            $this->assertTrue($DB->record_exists('external_functions', ['name' => $name]), $name);
        }
        $everyday = array_filter(
            $names(service_role::SERVICE),
            fn(string $name): bool => preg_match('/_(create|add|set)_(?!presence|standings)/', $name)
        );
        $this->assertSame([], $everyday);
    }

    /**
     * The upgrade makes it, unless somebody has made one of that short name.
     */
    public function test_upgrade(): void {
        global $CFG, $DB;
        require_once($CFG->libdir . '/upgradelib.php');
        require_once(__DIR__ . '/../db/upgrade.php');
        $this->assertTrue(provisioning_role::remove());
        $this->assertNull(provisioning_role::ours());
        set_config('version', 2026112202, 'local_copbridge');
        $this->assertTrue(xmldb_local_copbridge_upgrade(2026112202));
        $this->assertTrue(provisioning_role::remove());
        $foreign = create_role('Ours', provisioning_role::SHORTNAME, '');
        set_config('version', 2026112202, 'local_copbridge');
        $this->assertTrue(xmldb_local_copbridge_upgrade(2026112202));
        $this->assertNull(provisioning_role::ours());
        $this->assertFalse($DB->record_exists('role_capabilities', ['roleid' => $foreign]));
        $this->assertFalse(provisioning_role::remove());
    }

    /**
     * A copy has rules, ID numbers and hours of its template, and nobody in it: neither people nor the account.
     */
    public function test_copy(): void {
        global $CFG, $DB;
        require_once($CFG->dirroot . '/course/externallib.php');
        require_once($CFG->dirroot . '/completion/criteria/completion_criteria_activity.php');
        set_config('scope', 'all', 'local_copbridge');
        $generator = $this->getDataGenerator();
        $course = $generator->create_course(['enablecompletion' => 1]);
        $page = $generator->create_module('page', [
            'course' => $course->id, 'idnumber' => 'M1', 'completion' => COMPLETION_TRACKING_AUTOMATIC, 'completionview' => 1,
        ]);
        local\hours::set((int) $page->cmid, 90, 'online', (int) get_admin()->id);
        $group = $generator->create_group(['courseid' => $course->id, 'idnumber' => 'G1']);
        $generator->create_module('page', [
            'course' => $course->id, 'idnumber' => 'M2', 'availability' => json_encode(['op' => '&', 'c' => [
                ['type' => 'completion', 'cm' => (int) $page->cmid, 'e' => 1], ['type' => 'group', 'id' => (int) $group->id],
            ], 'showc' => [true, true]]),
        ]);
        $asked = (object) ['id' => $course->id, 'criteria_activity' => [$page->cmid => 1]];
        $criterion = new \completion_criteria_activity();
        $criterion->update_config($asked);
        $student = $generator->create_and_enrol($course, 'student');
        groups_add_member($group, $student);
        $this->setUser($this->account());
        $category = (int) $course->category;
        $copy = \core_course_external::duplicate_course($course->id, 'Copy', 'COPY', $category, 0, []);
        $there = $this->setup_of((int) $course->id);
        $here = $this->setup_of((int) $copy['id']);
        $activities = fn(array $setup): array => array_map(
            fn(array $row): array => array_diff_key($row, ['cmid' => 0]),
            $setup['activities']
        );
        $this->assertSame($activities($there), $activities($here));
        $this->assertSame($there['sections'], $here['sections']);
        $this->assertSame([90, 'online'], [$here['activities'][0]['minutes'], $here['activities'][0]['component']]);
        $this->assertNotSame('', $here['activities'][1]['availability']);
        $this->assertNotSame('', $here['criteria']);
        $this->assertSame($there['criteria'], $here['criteria']);
        $this->assertSame([1, 0], [$there['participants'], $here['participants']]);
        $this->assertSame(['G1', 0], [$here['groups'][0]['idnumber'], $here['groups'][0]['members']]);
        $this->assertSame([false, (int) $course->id], [$here['course']['visible'], $here['course']['copy_of']]);
        $context = \context_course::instance($copy['id']);
        $this->assertFalse($DB->record_exists('role_assignments', ['contextid' => $context->id]));
    }

    /**
     * How a course is set up.
     *
     * @param int $courseid
     * @return array
     */
    private function setup_of(int $courseid): array {
        return json_decode(external\get_course_setup::execute($courseid)['setup'], true);
    }
}
