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

use core_external\external_api;
use local_copbridge\external\get_course_setup;
use local_copbridge\external\get_site_setup;
use local_copbridge\external\set_activities;
use local_copbridge\external\set_course_fields;
use local_copbridge\external\set_sections;
use local_copbridge\fixtures\provision_testcase;
use local_copbridge\local\scope;

defined('MOODLE_INTERNAL') || die();

require_once(__DIR__ . '/fixtures/provision_testcase.php');

/**
 * Tests of what is told of a site's and of a course's set-up.
 *
 * @package    local_copbridge
 * @category   test
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\external\get_course_setup
 * @covers     \local_copbridge\external\get_site_setup
 * @covers     \local_copbridge\local\provision\course_setup
 * @covers     \local_copbridge\local\provision\restrictions
 * @covers     \local_copbridge\local\provision\site_setup
 */
final class get_setup_test extends provision_testcase {
    /**
     * The set-up of the course, as the service account is told it.
     *
     * @return array
     */
    private function told(): array {
        $answer = get_course_setup::execute((int) $this->course->id);
        return json_decode(external_api::clean_returnvalue(get_course_setup::execute_returns(), $answer)['setup'], true);
    }

    /**
     * What an activity's rules are.
     *
     * @param string $idnumber
     * @return array completion and further
     */
    private function rules(string $idnumber): array {
        $found = array_column($this->told()['activities'], null, 'idnumber')[$idnumber];
        return [$found['completion'], $found['further']];
    }

    /**
     * A set of rules.
     *
     * @param array $more
     * @return array
     */
    private function completion(array $more): array {
        $nothing = [
            'tracking' => 'automatic', 'view' => false, 'submit' => false, 'posts' => 0, 'discussions' => 0, 'replies' => 0,
            'entries' => 0, 'grade' => false, 'passgrade' => false, 'expected' => 0,
        ];
        return array_replace($nothing, $more);
    }

    /**
     * Neither is told to who lacks its capability, nor of a course that isn't handed over or isn't there.
     */
    public function test_gates(): void {
        set_config('scope', 'chosen', 'local_copbridge');
        set_config('courses', 'OTHER-*', 'local_copbridge');
        scope::forget();
        $refusals = [$this->course->id => 'notchosen', SITEID => 'provision_nocourse', 999999 => 'provision_nocourse'];
        foreach ($refusals as $id => $code) {
            try {
                get_course_setup::execute($id);
                $this->fail("course $id was told");
            } catch (\moodle_exception $refused) {
                $this->assertSame($code, $refused->errorcode);
            }
        }
        $system = \context_system::instance();
        unassign_capability('local/copbridge:getsitesetup', $this->role, $system->id);
        unassign_capability('local/copbridge:getcoursesetup', $this->role, $system->id);
        set_config('scope', 'all', 'local_copbridge');
        $calls = [fn() => get_site_setup::execute(), fn() => get_course_setup::execute((int) $this->course->id)];
        foreach ($calls as $call) {
            try {
                $call();
                $this->fail('told without the capability');
            } catch (\required_capability_exception $refused) {
                $this->assertSame('nopermissions', $refused->errorcode);
            }
        }
    }

    /**
     * Which courses would be handed over: by category, ID number or short name; all, or none.
     */
    public function test_handed_over(): void {
        $generator = $this->getDataGenerator();
        $above = $generator->create_category();
        $below = $generator->create_category(['parent' => $above->id]);
        $courses = [
            ['idnumber' => 'COP-1', 'shortname' => 'x', 'category' => 0],
            ['idnumber' => '', 'shortname' => 'cop-2', 'category' => 0],
            ['idnumber' => 'x', 'shortname' => 'x', 'category' => (int) $below->id],
            ['idnumber' => 'x', 'shortname' => 'x', 'category' => (int) $this->course->category],
            ['idnumber' => 'x', 'shortname' => 'x', 'category' => 999999],
        ];
        $told = fn(): array => get_site_setup::execute($courses)['handedover'];
        $this->assertSame(array_fill(0, 5, true), $told());
        set_config('scope', 'chosen', 'local_copbridge');
        set_config('courses', 'COP-*', 'local_copbridge');
        set_config('categories', $above->id, 'local_copbridge');
        $this->assertSame([true, true, true, false, false], $told());
        set_config('scope', 'none', 'local_copbridge');
        $this->assertSame(array_fill(0, 5, false), $told());
        $this->assertSame([], get_site_setup::execute()['handedover']);
    }

    /**
     * Roles, fields, cohorts, methods and switches of the site.
     */
    public function test_site(): void {
        global $DB;
        $generator = $this->getDataGenerator();
        $category = $generator->create_category();
        $cohort = $generator->create_cohort(['contextid' => $category->get_context()->id, 'idnumber' => 'C1']);
        cohort_add_member($cohort->id, $this->service->id);
        $generator->create_cohort();
        $fields = $generator->get_plugin_generator('core_customfield');
        $fields->create_field([
            'categoryid' => $fields->create_category()->get('id'), 'shortname' => 'region', 'type' => 'select',
            'configdata' => ['options' => "North\nSouth & West", 'required' => 1],
        ]);
        $student = $DB->get_field('role', 'id', ['shortname' => 'student']);
        assign_capability('moodle/role:assign', CAP_ALLOW, $this->role, SYSCONTEXTID);
        core_role_set_assign_allowed($this->role, $student);
        $told = external_api::clean_returnvalue(get_site_setup::execute_returns(), get_site_setup::execute());
        $this->assertSame(['student'], array_column(array_filter($told['roles'], fn($role) => $role['assignable']), 'shortname'));
        $this->assertContains('manager', array_column($told['roles'], 'shortname'));
        $this->assertSame([
            ['shortname' => 'region', 'type' => 'select', 'options' => ['North', 'South & West'], 'required' => true],
        ], $told['fields']);
        $cohorts = array_column($told['cohorts'], null, 'id');
        $this->assertSame([(int) $category->id, 1, 'C1'], [
            $cohorts[$cohort->id]['category'], $cohorts[$cohort->id]['members'], $cohorts[$cohort->id]['idnumber'],
        ]);
        $this->assertSame([0, 0], [end($cohorts)['category'], end($cohorts)['members']]);
        $this->assertContains('manual', $told['auths']);
        $this->assertContains('manual', $told['enrolments']);
        $this->assertSame([true, true, true, false], [
            $told['completion'], $told['cohortsync'], $told['passwordpolicy'], $told['copiespeople'],
        ]);
        $this->setAdminUser();
        $this->assertTrue(get_site_setup::execute()['copiespeople']);
    }

    /**
     * What is written by our functions is told in the same words, and setting what is told changes nothing.
     */
    public function test_told_as_set(): void {
        $generator = $this->getDataGenerator();
        $automatic = ['course' => $this->course->id, 'completion' => COMPLETION_TRACKING_AUTOMATIC];
        $generator->create_module('page', $automatic + [
            'idnumber' => 'VIEW', 'completionview' => 1, 'completionexpected' => 1800000000,
        ]);
        $generator->create_module('assign', $automatic + ['idnumber' => 'SUBMIT', 'completionsubmit' => 1]);
        $generator->create_module('forum', $automatic + ['idnumber' => 'POSTS', 'completionposts' => 2, 'completionreplies' => 1]);
        $generator->create_module('data', $automatic + ['idnumber' => 'ENTRIES', 'completionentries' => 3]);
        $generator->create_module('quiz', $automatic + [
            'idnumber' => 'PASS', 'completionusegrade' => 1, 'completionpassgrade' => 1, 'gradepass' => 5,
            'completiongradeitemnumber' => 0,
        ]);
        $generator->create_module('label', ['course' => $this->course->id, 'idnumber' => 'NONE', 'completion' => 0]);
        $expected = [
            'VIEW' => ['view' => true, 'expected' => 1800000000],
            'SUBMIT' => ['submit' => true],
            'POSTS' => ['posts' => 2, 'replies' => 1],
            'ENTRIES' => ['entries' => 3],
            'PASS' => ['passgrade' => true],
            'NONE' => ['tracking' => 'none'],
        ];
        set_sections::execute($this->course->id, [['number' => 1, 'name' => 'Before', 'summary' => '<p>é</p>', 'visible' => 0]]);
        $cmid = $this->told()['activities'][0]['cmid'];
        set_activities::execute($this->course->id, [
            ['cmid' => $cmid, 'section' => 1, 'visible' => 1, 'minutes' => 45, 'component' => 'online', 'name' => 'A & B'],
        ]);
        $told = $this->told();
        $activities = array_column($told['activities'], null, 'idnumber');
        foreach ($expected as $idnumber => $rules) {
            $found = [$activities[$idnumber]['completion'], $activities[$idnumber]['further']];
            $this->assertSame([$this->completion($rules), []], $found, $idnumber);
        }
        $view = $activities['VIEW'];
        $this->assertSame([1, true, 45, 'online', 'A & B'], [
            $view['section'], $view['visible'], $view['minutes'], $view['component'], $view['name'],
        ]);
        $this->assertSame([null, ''], [$activities['NONE']['minutes'], $activities['NONE']['component']]);
        $section = array_column($told['sections'], null, 'number')[1];
        $this->assertSame(['Before', true, false, hash('sha256', '<p>é</p>')], [
            $section['name'], $section['named'], $section['visible'], $section['summary'],
        ]);
        $this->assertSame([false, ''], [$told['sections'][2]['named'], $told['sections'][2]['summary']]);
        $again = array_map(fn(array $one): array => array_filter(
            array_diff_key($one, ['modname' => 0, 'further' => 0, 'availability' => 0]),
            fn($value): bool => $value !== null
        ), $told['activities']);
        $again = array_map(
            fn(array $one): array => isset($one['minutes']) ? $one : array_diff_key($one, ['component' => 0]),
            $again
        );
        $outcomes = array_column(set_activities::execute($this->course->id, $again), 'outcome');
        $this->assertSame(['unchanged'], array_values(array_unique($outcomes)));
    }

    /**
     * Rules that our functions have no word for are named.
     */
    public function test_further_rules(): void {
        $generator = $this->getDataGenerator();
        $automatic = ['course' => $this->course->id, 'completion' => COMPLETION_TRACKING_AUTOMATIC];
        $generator->create_module('scorm', $automatic + ['idnumber' => 'SCORM', 'completionstatusrequired' => 4]);
        $generator->create_module('quiz', $automatic + ['idnumber' => 'TWICE', 'completionminattempts' => 2]);
        $generator->create_module('lesson', $automatic + [
            'idnumber' => 'TIME', 'completionendreached' => 1, 'completiontimespent' => 60,
        ]);
        $this->assertSame(['completionstatusrequired'], $this->rules('SCORM')[1]);
        $this->assertSame([true, ['completionminattempts']], [$this->rules('TWICE')[0]['submit'], $this->rules('TWICE')[1]]);
        $this->assertSame([true, ['completiontimespent']], [$this->rules('TIME')[0]['submit'], $this->rules('TIME')[1]]);
    }

    /**
     * Course fields as they are set; where nobody did, their default.
     */
    public function test_fields(): void {
        $generator = $this->getDataGenerator()->get_plugin_generator('core_customfield');
        $category = $generator->create_category()->get('id');
        $types = ['words' => 'text', 'menu' => 'select', 'box' => 'checkbox', 'day' => 'date', 'long' => 'textarea'];
        foreach ($types as $name => $type) {
            $config = ['select' => ['options' => "North\nSouth & West"], 'checkbox' => ['checkbydefault' => 1]][$type] ?? [];
            $generator->create_field(['categoryid' => $category, 'shortname' => $name, 'type' => $type, 'configdata' => $config]);
        }
        $nothing = ['words' => '', 'menu' => '', 'box' => '1', 'day' => '', 'long' => ''];
        $this->assertSame($nothing, $this->told()['course']['fields']);
        $values = ['words' => 'A & B', 'menu' => 'South & West', 'box' => '0', 'day' => '1800000000', 'long' => '<p>Hi</p>'];
        $rows = array_map(fn(string $n, string $v): array => ['shortname' => $n, 'value' => $v], array_keys($values), $values);
        set_course_fields::execute($this->course->id, $rows);
        $this->assertSame($values, $this->told()['course']['fields']);
    }

    /**
     * Groups, groupings, enrolments and participants, as numbers and without anybody's name; also in a hidden course.
     */
    public function test_people_are_counted(): void {
        global $DB;
        $generator = $this->getDataGenerator();
        $group = $generator->create_group(['courseid' => $this->course->id, 'idnumber' => 'G']);
        $grouping = $generator->create_grouping(['courseid' => $this->course->id, 'idnumber' => 'GG']);
        $generator->create_grouping(['courseid' => $this->course->id]);
        groups_assign_grouping($grouping->id, $group->id);
        $person = $generator->create_and_enrol($this->course, 'student', ['firstname' => 'Quintessa', 'email' => 'q@example.org']);
        $generator->create_and_enrol($this->course, 'student', null, 'manual', time() + 1000);
        $generator->create_and_enrol($this->course, 'student', null, 'manual', 0, 0, ENROL_USER_SUSPENDED);
        groups_add_member($group, $person);
        $cohort = $generator->create_cohort(['idnumber' => 'C1']);
        $student = $DB->get_field('role', 'id', ['shortname' => 'student']);
        enrol_get_plugin('cohort')->add_instance(
            $this->course,
            ['customint1' => $cohort->id, 'customint2' => $group->id, 'roleid' => $student]
        );
        assign_capability('moodle/course:viewhiddencourses', CAP_ALLOW, $this->role, SYSCONTEXTID);
        $DB->set_field('course', 'visible', 0, ['id' => $this->course->id]);
        $told = $this->told();
        $this->assertFalse($told['course']['visible']);
        $this->assertSame(1, $told['participants']);
        $this->assertSame(['G', 1], [$told['groups'][0]['idnumber'], $told['groups'][0]['members']]);
        $this->assertSame([[(int) $group->id], []], array_column($told['groupings'], 'groups'));
        $methods = array_column($told['enrolments'], null, 'method');
        $this->assertSame([true, 'student', 'C1', (int) $cohort->id, (int) $group->id], array_values(
            array_diff_key($methods['cohort'], ['id' => 0, 'method' => 0])
        ));
        $this->assertSame(['', 0, 0], [$methods['manual']['cohort'], $methods['manual']['cohortid'], $methods['manual']['group']]);
        $this->assertStringNotContainsString('Quintessa', json_encode($told));
        $this->assertStringNotContainsString('q@example.org', json_encode($told));
    }

    /**
     * Restrictions are the same wherever they mean the same, and others where they don't.
     */
    public function test_restrictions(): void {
        global $DB;
        $generator = $this->getDataGenerator();
        $of = function (bool $swapped, string $idnumber) use ($generator, $DB): array {
            $this->course = $generator->create_course(['enablecompletion' => 1]);
            $quiz = $generator->create_module('quiz', ['course' => $this->course->id, 'idnumber' => $idnumber]);
            $group = $generator->create_group(['courseid' => $this->course->id, 'name' => 'East']);
            $item = $DB->get_field('grade_items', 'id', ['courseid' => $this->course->id, 'iteminstance' => $quiz->id]);
            $inner = ['op' => '|', 'c' => [['type' => 'grade', 'id' => (int) $item, 'min' => 50], ['type' => 'group']]];
            $one = ['type' => 'completion', 'cm' => (int) $quiz->cmid, 'e' => 1];
            $two = ['type' => 'group', 'id' => (int) $group->id];
            $tree = ['op' => '&', 'c' => [$one, $two, $inner], 'showc' => [true, true, true]];
            $tree = $swapped ? array_reverse($tree, true) : $tree;
            $generator->create_module('page', ['course' => $this->course->id, 'availability' => json_encode($tree)]);
            $empty = json_encode(['op' => '&', 'c' => [], 'showc' => []]);
            $generator->create_module('page', ['course' => $this->course->id, 'availability' => $empty]);
            return array_column($this->told()['activities'], 'availability');
        };
        $first = $of(false, 'Q1');
        $this->assertSame(['', ''], [$first[0], $first[2]]);
        $this->assertMatchesRegularExpression('/^[0-9a-f]{64}$/', $first[1]);
        $this->assertSame($first, $of(true, 'Q1'));
        $this->assertNotSame($first, $of(false, 'Q2'));
    }

    /**
     * Completion criteria of the course, whatever the ids of its activities.
     */
    public function test_criteria(): void {
        global $CFG;
        require_once($CFG->dirroot . '/completion/criteria/completion_criteria_activity.php');
        $generator = $this->getDataGenerator();
        $of = function (string $idnumber) use ($generator): string {
            $this->course = $generator->create_course(['enablecompletion' => 1]);
            $page = $generator->create_module('page', ['course' => $this->course->id, 'idnumber' => $idnumber, 'completion' => 1]);
            $before = $this->told()['criteria'];
            $this->assertSame('', $before);
            $asked = (object) ['id' => $this->course->id, 'criteria_activity' => [$page->cmid => 1]];
            $criterion = new \completion_criteria_activity();
            $criterion->update_config($asked);
            return $this->told()['criteria'];
        };
        $this->assertSame($of('A'), $of('A'));
        $this->assertNotSame($of('A'), $of('B'));
    }

    /**
     * A larger course takes no more queries than a small one.
     */
    public function test_queries(): void {
        global $DB;
        $generator = $this->getDataGenerator();
        $count = function () use ($DB): int {
            $this->told();
            $before = $DB->perf_get_reads();
            $this->told();
            return $DB->perf_get_reads() - $before;
        };
        $make = function () use ($generator): void {
            $group = $generator->create_group(['courseid' => $this->course->id]);
            $tree = ['op' => '&', 'c' => [['type' => 'group', 'id' => (int) $group->id]], 'showc' => [true]];
            $generator->create_module('page', [
                'course' => $this->course->id, 'completion' => 2, 'completionview' => 1, 'availability' => json_encode($tree),
            ]);
        };
        $make();
        $few = $count();
        for ($more = 0; $more < 10; $more++) {
            $make();
        }
        $this->assertSame($few, $count());
    }
}
