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

use core_customfield\api;
use local_copbridge\local\readings;

/**
 * Readings tell what the tables hold.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\readings
 * @covers     \local_copbridge\local\readings_content
 * @covers     \local_copbridge\local\readings_people
 * @covers     \local_copbridge\local\readings_completions
 * @covers     \local_copbridge\local\primary
 * @covers     \local_copbridge\local\custom_fields
 * @covers     \local_copbridge\local\module_names
 * @covers     \local_copbridge\local\section_names
 * @covers     \local_copbridge\local\plain
 */
final class readings_test extends \advanced_testcase {
    /** @var string A name that filters and escaping would change. */
    private const HARD = 'R&D "quoted" it\'s <span lang="en" class="multilang">Hello</span>';

    #[\Override]
    protected function setUp(): void {
        parent::setUp();
        $this->resetAfterTest();
    }

    /**
     * Names go as they are stored; a course that isn't there is told as gone, a copy names its original.
     */
    public function test_courses(): void {
        global $DB;
        $generator = $this->getDataGenerator();
        $original = $generator->create_course();
        $course = $generator->create_course(['fullname' => self::HARD, 'idnumber' => 'COP-1', 'visible' => 0]);
        $DB->set_field('course', 'originalcourseid', $original->id, ['id' => $course->id]);
        $DB->set_field('course', 'originalcourseid', 999999, ['id' => $original->id]);
        [$copy, $gone, $first] = (new readings([], []))->courses([$course->id, 999999, $original->id]);
        $this->assertSame(self::HARD, $copy['fullname']);
        $this->assertSame('COP-1', $copy['idnumber']);
        $this->assertFalse($copy['visible']);
        $this->assertSame((int) $original->id, $copy['copy_of']);
        $this->assertSame((int) $course->category, $copy['category']);
        $this->assertNull($first['copy_of'], 'an original of another site is nothing here');
        unset($gone['read_at']);
        $this->assertSame(['kind' => 'course', 'course' => 999999, 'present' => false], $gone);
        $this->assertStringContainsString('"fields":{}', json_encode($copy), 'an object, though it is empty');
    }

    /**
     * Course fields: only those named, the chosen text of a choice, no value that doesn't fit.
     */
    public function test_course_fields(): void {
        $generator = $this->getDataGenerator()->get_plugin_generator('core_customfield');
        $category = $generator->create_category();
        $make = fn(string $name, string $type, array $config) => $generator->create_field([
            'categoryid' => $category->get('id'),
            'shortname' => $name,
            'type' => $type,
            'configdata' => $config,
        ]);
        $make('region', 'select', ['options' => "East & West\nNorth", 'defaultvalue' => 'North']);
        $make('cycle', 'text', ['defaultvalue' => 'default']);
        $make('secret', 'text', []);
        $make('long', 'textarea', []);
        $course = $this->getDataGenerator()->create_course([
            'customfield_region' => 1,
            'customfield_secret' => 'x',
            'customfield_long_editor' => ['text' => str_repeat('x', 2000), 'format' => FORMAT_HTML],
        ]);
        [$told] = (new readings([], ['region', 'cycle', 'long', 'nosuch']))->courses([$course->id]);
        $this->assertEqualsCanonicalizing(['region' => 'East & West', 'cycle' => 'default'], (array) $told['fields']);
    }

    /**
     * Activities with their section's name, hours and tracking; one that is being deleted is gone.
     */
    public function test_modules(): void {
        global $DB;
        $generator = $this->getDataGenerator();
        $course = $generator->create_course(['enablecompletion' => 1, 'format' => 'topics', 'numsections' => 2]);
        $page = $generator->create_module('page', [
            'course' => $course->id, 'name' => self::HARD, 'idnumber' => 'P1', 'section' => 1,
            'completion' => 2, 'completionview' => 1,
        ]);
        $url = $generator->create_module('url', ['course' => $course->id, 'section' => 2, 'visible' => 0]);
        $doomed = $generator->create_module('page', ['course' => $course->id]);
        $DB->set_field('course_modules', 'deletioninprogress', 1, ['id' => $doomed->cmid]);
        $DB->set_field('course_sections', 'name', self::HARD, ['course' => $course->id, 'section' => 1]);
        $DB->insert_record('local_copbridge_hours', [
            'cmid' => $page->cmid, 'courseid' => $course->id, 'minutes' => 90, 'component' => 'online',
        ]);
        $readings = new readings([], []);
        $told = $readings->course_modules($course->id);
        $this->assertSame([(int) $page->cmid, (int) $url->cmid, (int) $doomed->cmid], array_column($told, 'module'));
        $this->assertSame(self::HARD, $told[0]['name']);
        $this->assertSame(self::HARD, $told[0]['section_name']);
        $this->assertSame([1, 2, 90, 'online'], [
            $told[0]['section_number'], $told[0]['tracking'], $told[0]['minutes'], $told[0]['component'],
        ]);
        $this->assertSame(get_section_name($course->id, 2), $told[1]['section_name']);
        $this->assertFalse($told[1]['visible']);
        $this->assertNull($told[1]['minutes']);
        $this->assertFalse($told[2]['present']);
        $some = $readings->modules([999999 => 7, $url->cmid => $course->id]);
        $this->assertSame([7, false], [$some[0]['course'], $some[0]['present']]);
        $this->assertSame((int) $url->cmid, $some[1]['module']);
    }

    /**
     * Accounts with the profile fields that were named; a deleted one is gone.
     */
    public function test_accounts(): void {
        $generator = $this->getDataGenerator();
        $generator->create_custom_profile_field(['shortname' => 'agency', 'name' => 'Agency', 'datatype' => 'text']);
        $generator->create_custom_profile_field(['shortname' => 'secret', 'name' => 'Secret', 'datatype' => 'text']);
        $user = $generator->create_user([
            'firstname' => 'A & B', 'profile_field_agency' => 'Head <Start>', 'profile_field_secret' => 's',
        ]);
        $left = $generator->create_user();
        delete_user($left);
        [$told, $gone] = (new readings(['agency'], []))->accounts([$user->id, $left->id]);
        $this->assertSame('A & B', $told['firstname']);
        $this->assertSame(['agency' => 'Head <Start>'], (array) $told['profile']);
        $this->assertFalse($gone['present']);
        $this->assertArrayNotHasKey('email', $gone);
    }

    /**
     * All enrolments of whatever status, the roles of the course's own context, groups with their groupings.
     */
    public function test_enrolments(): void {
        global $DB;
        $generator = $this->getDataGenerator();
        $course = $generator->create_course();
        [$user, $nobody] = [$generator->create_user(), $generator->create_user()];
        $generator->enrol_user($user->id, $course->id, 'student', 'manual', 100, 200, ENROL_USER_SUSPENDED);
        $DB->set_field('enrol', 'status', ENROL_INSTANCE_ENABLED, ['courseid' => $course->id, 'enrol' => 'self']);
        $generator->enrol_user($user->id, $course->id, null, 'self');
        role_assign($DB->get_field('role', 'id', ['shortname' => 'teacher']), $user->id, \context_system::instance());
        $group = $generator->create_group(['courseid' => $course->id, 'name' => self::HARD, 'idnumber' => 'G1']);
        $generator->create_group_member(['groupid' => $group->id, 'userid' => $user->id]);
        foreach ([['name' => 'Teams', 'idnumber' => 'GG1'], ['name' => 'No number']] as $grouping) {
            $made = $generator->create_grouping($grouping + ['courseid' => $course->id]);
            $generator->create_grouping_group(['groupingid' => $made->id, 'groupid' => $group->id]);
        }
        [$told, $none] = (new readings([], []))->enrolments([[$course->id, $user->id], [$course->id, $nobody->id]]);
        $this->assertSame([['manual', 1, 100, 200], ['self', 0, 0, 0]], array_map(
            fn(array $row): array => [$row['method'], $row['status'], $row['timestart'], $row['timeend']],
            $told['enrolments']
        ));
        $this->assertSame(['student'], array_column($told['roles'], 'shortname'));
        $this->assertSame([self::HARD], array_column($told['groups'], 'name'));
        $this->assertSame(['GG1', 'No number'], $told['groups'][0]['groupings']);
        $this->assertSame([[], [], []], [$none['enrolments'], $none['roles'], $none['groups']]);
        $DB->set_field('enrol', 'status', ENROL_INSTANCE_DISABLED, ['courseid' => $course->id, 'enrol' => 'self']);
        [$told] = (new readings([], []))->enrolments([[$course->id, $user->id]]);
        $this->assertSame([1, 1], array_column($told['enrolments'], 'status'), 'a method that is off lets nobody in');
    }

    /**
     * Rows of completion as they are, and rows that are not; never by a query for each.
     */
    public function test_completions(): void {
        global $DB;
        $row = fn(int $cmid, int $userid, int $state, ?int $by) => $DB->insert_record('course_modules_completion', [
            'coursemoduleid' => $cmid, 'userid' => $userid, 'completionstate' => $state,
            'overrideby' => $by, 'timemodified' => 1000 + $userid,
        ]);
        $row(11, 21, 2, null);
        $row(12, 21, 1, 2);
        $row(11, 22, 4, 0);
        $DB->get_columns('course_modules_completion');
        $queries = $DB->perf_get_reads();
        $told = (new readings([], []))->completions([[5, 21, 11], [5, 22, 11], [6, 21, 12], [5, 22, 12]]);
        $this->assertSame(1, $DB->perf_get_reads() - $queries);
        $found = [];
        foreach ($told as $one) {
            $key = "{$one['course']} {$one['user']} {$one['module']}";
            $found[$key] = $one['present'] ? [$one['state'], $one['overrideby']] : null;
            $this->assertTrue(!$one['present'] || $one['timemodified'] === 1000 + $one['user']);
        }
        ksort($found);
        $this->assertSame(['5 21 11' => [2, null], '5 22 11' => [3, null], '5 22 12' => null, '6 21 12' => [1, 2]], $found);
    }

    /**
     * A whole course takes as many queries as it does kinds of activity, not as it has activities or users.
     */
    public function test_no_query_for_each(): void {
        global $DB;
        $generator = $this->getDataGenerator();
        $course = $generator->create_course();
        $pairs = [];
        for ($i = 0; $i < 5; $i++) {
            $generator->create_module('page', ['course' => $course->id]);
            $pairs[] = [$course->id, $generator->create_and_enrol($course)->id];
        }
        $readings = new readings([], []);
        $count = function (callable $what) use ($DB): int {
            $before = $DB->perf_get_reads();
            $what();
            return $DB->perf_get_reads() - $before;
        };
        // Once before, for what Moodle looks up about a table once.
        $readings->enrolments($pairs);
        $few = $count(fn() => $readings->enrolments(array_slice($pairs, 0, 1)));
        $this->assertSame($few, $count(fn() => $readings->enrolments($pairs)));
        $this->assertSame(1, $count(fn() => $readings->accounts(array_column($pairs, 1))));
        $DB->set_field('course_sections', 'name', 'Named', ['course' => $course->id]);
        $this->assertSame(2, $count(fn() => $readings->course_modules($course->id)));
    }
}
