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

use context_system;
use core_external\external_api;
use local_copbridge\external\get_completions;
use local_copbridge\external\get_course_map;
use local_copbridge\external\get_courses;
use local_copbridge\external\get_digest;
use local_copbridge\external\get_roster;
use local_copbridge\external\get_status;
use local_copbridge\external\ping;
use local_copbridge\local\scope;

/**
 * The functions that read: who may, which courses, and pages that join to the whole.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\external\gate
 * @covers     \local_copbridge\external\get_completions
 * @covers     \local_copbridge\external\get_course_map
 * @covers     \local_copbridge\external\get_courses
 * @covers     \local_copbridge\external\get_digest
 * @covers     \local_copbridge\external\get_roster
 * @covers     \local_copbridge\external\get_status
 * @covers     \local_copbridge\external\ping
 * @covers     \local_copbridge\local\among
 */
final class external_reading_test extends \advanced_testcase {
    /** @var \stdClass a chosen course */
    private \stdClass $course;

    /** @var int the service account's role */
    private int $role;

    #[\Override]
    protected function setUp(): void {
        parent::setUp();
        $this->resetAfterTest();
        $generator = $this->getDataGenerator();
        $this->course = $generator->create_course(['enablecompletion' => 1]);
        $this->choose('all');
        $account = $generator->create_user();
        $this->role = $generator->create_role();
        role_assign($this->role, $account->id, context_system::instance());
        $capabilities = ['moodle/course:view', 'local/copbridge:getcompletions', 'local/copbridge:getcoursemap',
            'local/copbridge:getcourses', 'local/copbridge:getdigest', 'local/copbridge:getroster',
            'local/copbridge:getstatus', 'local/copbridge:ping'];
        foreach ($capabilities as $capability) {
            assign_capability($capability, CAP_ALLOW, $this->role, context_system::instance());
        }
        $this->setUser($account);
    }

    /**
     * Chooses courses.
     *
     * @param string $scope
     */
    private function choose(string $scope): void {
        set_config('scope', $scope, 'local_copbridge');
        scope::forget();
    }

    /**
     * The functions of one course.
     *
     * @return array[]
     */
    public static function of_a_course(): array {
        return [
            'get_completions' => [get_completions::class],
            'get_course_map' => [get_course_map::class],
            'get_digest' => [get_digest::class],
            'get_roster' => [get_roster::class],
        ];
    }

    /**
     * All functions.
     *
     * @return array[]
     */
    public static function all(): array {
        return self::of_a_course() + [
            'get_courses' => [get_courses::class],
            'get_status' => [get_status::class],
            'ping' => [ping::class],
        ];
    }

    /**
     * Nobody reads without the function's own capability.
     *
     * @dataProvider all
     * @param string $class
     */
    public function test_capability(string $class): void {
        $name = str_replace('_', '', substr($class, strrpos($class, '\\') + 1));
        unassign_capability("local/copbridge:$name", $this->role);
        $this->expectException(\required_capability_exception::class);
        $class::execute(...(isset(self::of_a_course()[substr($class, strrpos($class, '\\') + 1)]) ? [$this->course->id] : []));
    }

    /**
     * A course that wasn't chosen is refused.
     *
     * @dataProvider of_a_course
     * @param string $class
     */
    public function test_not_chosen(string $class): void {
        $this->choose('none');
        $this->expectExceptionMessage(get_string('notchosen', 'local_copbridge'));
        $class::execute($this->course->id);
    }

    /**
     * An answer, checked as a caller gets it.
     *
     * @param string $class
     * @param mixed ...$arguments
     * @return array
     */
    private function ask(string $class, ...$arguments): array {
        return external_api::clean_returnvalue($class::execute_returns(), $class::execute(...$arguments));
    }

    /**
     * Only chosen courses are listed, page by page.
     */
    public function test_courses(): void {
        $other = $this->getDataGenerator()->create_course();
        scope::forget();
        $first = $this->ask(get_courses::class, 0, 1);
        $this->assertTrue($first['more']);
        $second = $this->ask(get_courses::class, $first['last'], 1);
        $this->assertFalse($second['more']);
        $ids = array_column(array_merge(json_decode($first['readings']), json_decode($second['readings'])), 'course');
        $this->assertSame([(int) $this->course->id, (int) $other->id], $ids);
        $this->choose('none');
        $this->assertSame(['readings' => '[]', 'last' => 0, 'more' => false], $this->ask(get_courses::class));
    }

    /**
     * The map has the course first; of a course that is gone it says so.
     */
    public function test_course_map(): void {
        $page = $this->getDataGenerator()->create_module('page', ['course' => $this->course->id]);
        $told = json_decode($this->ask(get_course_map::class, $this->course->id)['readings']);
        $this->assertSame(['course', 'module'], array_column($told, 'kind'));
        $this->assertSame((int) $page->cmid, $told[1]->module);
        [$gone] = json_decode($this->ask(get_course_map::class, 999999)['readings']);
        $this->assertFalse($gone->present);
    }

    /**
     * Whoever has an enrolment, a role or a group there is on the roster, once.
     */
    public function test_roster(): void {
        global $DB;
        $generator = $this->getDataGenerator();
        $ids = [];
        foreach (['student', 'student', 'editingteacher'] as $role) {
            $ids[] = (int) $generator->create_and_enrol($this->course, $role)->id;
        }
        $byrole = $generator->create_user();
        role_assign(
            $DB->get_field('role', 'id', ['shortname' => 'manager']),
            $byrole->id,
            \context_course::instance($this->course->id)
        );
        $bygroup = $generator->create_user();
        $group = $generator->create_group(['courseid' => $this->course->id]);
        $DB->insert_record('groups_members', ['groupid' => $group->id, 'userid' => $bygroup->id, 'timeadded' => 0]);
        array_push($ids, (int) $byrole->id, (int) $bygroup->id);
        $told = [];
        $after = 0;
        do {
            $page = $this->ask(get_roster::class, $this->course->id, $after, 2);
            $told = array_merge($told, json_decode($page['readings']));
            $after = $page['last'];
        } while ($page['more']);
        $this->assertSame($ids, array_values(array_filter(array_map(
            fn(\stdClass $reading): ?int => $reading->kind === 'account' ? $reading->user : null,
            $told
        ))));
        $this->assertSame($ids, array_column(array_filter($told, fn($one): bool => $one->kind === 'enrolment'), 'user'));
    }

    /**
     * Rows of completion of some users in some activities.
     *
     * @return array[] the rows, as get_completions tells them
     */
    private function completions(): array {
        global $DB;
        $rows = [];
        for ($m = 0; $m < 3; $m++) {
            $page = $this->getDataGenerator()->create_module('page', ['course' => $this->course->id, 'completion' => 1]);
            $cmid = (int) $page->cmid;
            for ($userid = 101; $userid < 105; $userid++) {
                $row = [$cmid, $userid, ($m + $userid) % 4, 1000 + $userid, $userid === 103 ? 2 : null];
                $rows[] = $row;
                $DB->insert_record('course_modules_completion', array_combine(
                    ['coursemoduleid', 'userid', 'completionstate', 'timemodified', 'overrideby'],
                    $row
                ));
            }
        }
        return $rows;
    }

    /**
     * Pages of any size join to the whole; activities can be picked; one that is being deleted isn't there.
     */
    public function test_completions(): void {
        global $DB;
        $rows = $this->completions();
        foreach ([1, 3, 4, 5, 12, 5000] as $limit) {
            $told = [];
            $after = [0, 0];
            do {
                $page = $this->ask(get_completions::class, $this->course->id, [], $after[0], $after[1], $limit);
                $told = array_merge($told, json_decode($page['rows']));
                $after = end($told);
            } while ($page['more']);
            $this->assertSame($rows, $told, "by $limit");
        }
        $some = [$rows[0][0], $rows[8][0]];
        $picked = json_decode($this->ask(get_completions::class, $this->course->id, $some)['rows']);
        $this->assertSame(array_merge(array_slice($rows, 0, 4), array_slice($rows, 8)), $picked);
        $DB->set_field('course_modules', 'deletioninprogress', 1, ['id' => $rows[0][0]]);
        $left = json_decode($this->ask(get_completions::class, $this->course->id)['rows']);
        $this->assertSame(array_slice($rows, 4), $left);
    }

    /**
     * The digest equals what the rows come to; untracked activities without rows have no line.
     */
    public function test_digest(): void {
        global $DB;
        $rows = $this->completions();
        $generator = $this->getDataGenerator();
        $tracked = $generator->create_module('page', ['course' => $this->course->id, 'completion' => 1]);
        $generator->create_module('page', ['course' => $this->course->id, 'completion' => 0]);
        $told = $this->ask(get_digest::class, $this->course->id)['modules'];
        $this->assertCount(4, $told);
        foreach (array_chunk($rows, 4) as $number => $own) {
            $states = array_count_values(array_column($own, 2));
            $this->assertSame([
                'module' => $own[0][0],
                'incomplete' => $states[0] ?? 0,
                'complete' => $states[1] ?? 0,
                'passed' => $states[2] ?? 0,
                'failed' => $states[3] ?? 0,
                'latest' => 1104,
                'highestid' => (int) $DB->get_field('course_modules_completion', 'MAX(id)', ['coursemoduleid' => $own[0][0]]),
                'users' => 410,
                'times' => 4410,
                'overridden' => 2,
            ], $told[$number]);
        }
        $this->assertSame(['module' => (int) $tracked->cmid] + array_fill_keys(array_keys($told[0]), 0), $told[3]);
    }

    /**
     * Users who are asked for by their ids: each with an enrolment, and no account of who doesn't take part.
     */
    public function test_roster_of_some(): void {
        $generator = $this->getDataGenerator();
        $in = (int) $generator->create_and_enrol($this->course, 'student')->id;
        $generator->create_and_enrol($this->course, 'student');
        $out = (int) $generator->create_user()->id;
        $gone = $generator->create_user();
        delete_user($gone);
        $left = $generator->create_and_enrol($this->course, 'student');
        delete_user($left);
        $nobody = $left->id + 1000;
        $asked = "$nobody,$in,$left->id,$out,$gone->id,$in";
        $told = [];
        $after = 0;
        do {
            $page = $this->ask(get_roster::class, $this->course->id, $after, 2, $asked);
            $told = array_merge($told, json_decode($page['readings']));
            $after = $page['last'];
        } while ($page['more']);
        $this->assertSame([$in, $out, (int) $gone->id, (int) $left->id, $nobody], array_column(
            array_filter($told, fn(\stdClass $one): bool => $one->kind === 'enrolment'),
            'user'
        ));
        $accounts = array_filter($told, fn(\stdClass $one): bool => $one->kind === 'account');
        $this->assertSame(
            [$in => true, (int) $gone->id => false, (int) $left->id => false, $nobody => false],
            array_column($accounts, 'present', 'user')
        );
        $counts = array_map(fn(\stdClass $one): int => count($one->enrolments ?? []), $told);
        $this->assertSame(1, array_sum($counts));
        $many = $this->ask(get_roster::class, $this->course->id, 0, 2, implode(',', range(1000000, 1005000)));
        $this->assertSame([1000001, true], [$many['last'], $many['more']]);
    }

    /**
     * Rows and digest of some users alone, be they many, or none that is there.
     */
    public function test_completions_and_digest_of_some(): void {
        $rows = $this->completions();
        $course = $this->course->id;
        $half = array_values(array_filter($rows, fn(array $row): bool => $row[1] < 103));
        foreach (['101,102', '102,101,101,999999', '101,102,' . implode(',', range(1000000, 1070000))] as $users) {
            $told = json_decode($this->ask(get_completions::class, $course, [], 0, 0, 5000, $users)['rows']);
            $this->assertSame($half, $told);
            $digest = $this->ask(get_digest::class, $course, $users)['modules'];
            $this->assertSame([203, 203, 203], array_column($digest, 'users'));
            $this->assertSame([0, 0, 0], array_column($digest, 'overridden'));
        }
        $page = $this->ask(get_completions::class, $course, [$rows[4][0]], 0, 0, 1, '102,104');
        $this->assertSame([[[$rows[4][0], 102, $rows[5][2], 1102, null]], true], [json_decode($page['rows']), $page['more']]);
        $rest = $this->ask(get_completions::class, $course, [$rows[4][0]], $rows[4][0], 102, 1, '102,104');
        $this->assertSame([104, false], [json_decode($rest['rows'])[0][1], $rest['more']]);
        foreach (['999999', ',', '0'] as $nobody) {
            $this->assertSame('[]', $this->ask(get_completions::class, $course, [], 0, 0, 5000, $nobody)['rows']);
            $digest = $this->ask(get_digest::class, $course, $nobody)['modules'];
            $this->assertSame([0, 0, 0], array_column($digest, 'highestid'));
        }
    }

    /**
     * The state of a plugin that isn't set up is told, too, and a ping says why it wasn't sent.
     */
    public function test_status_and_ping(): void {
        $events = $this->redirectEvents();
        $ping = $this->ask(ping::class);
        $this->assertFalse($ping['sent']);
        $this->assertSame(['unset', 0], [$ping['outcome'], $ping['httpstatus']]);
        $this->assertInstanceOf(event\bridge_pinged::class, $events->get_events()[0]);
        $status = $this->ask(get_status::class);
        $this->assertSame(1, $status['pending']);
        $this->assertGreaterThan(0, $status['oldestpending']);
        $this->assertSame(1, $status['courses']);
    }
}
