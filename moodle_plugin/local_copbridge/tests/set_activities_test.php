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
use local_copbridge\external\create_activities;
use local_copbridge\external\set_activities;
use local_copbridge\fixtures\provision_testcase;
use local_copbridge\local\hours;

defined('MOODLE_INTERNAL') || die();

require_once(__DIR__ . '/fixtures/provision_testcase.php');

/**
 * Tests of changing activities.
 *
 * @package    local_copbridge
 * @category   test
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\provision\activity_changer
 * @covers     \local_copbridge\local\provision\completion_rules
 * @covers     \local_copbridge\external\set_activities
 */
final class set_activities_test extends provision_testcase {
    /** @var int a page that is completed by being opened */
    private int $page;

    /** @var int a quiz with a grade to pass */
    private int $quiz;

    /**
     * Two activities.
     */
    protected function setUp(): void {
        parent::setUp();
        $rules = ['tracking' => 'automatic', 'view' => 1];
        $quiz = ['modname' => 'quiz', 'idnumber' => 'M2', 'settings' => ['gradepass' => 5], 'completion' => $rules];
        $made = create_activities::execute($this->course->id, [$this->page(['completion' => $rules]), $this->page($quiz)]);
        [$this->page, $this->quiz] = array_column($made, 'cmid');
    }

    /**
     * Changes one activity.
     *
     * @param int $cmid
     * @param array $wanted
     * @return array
     */
    private function set(int $cmid, array $wanted): array {
        $answer = set_activities::execute($this->course->id, [['cmid' => $cmid] + $wanted]);
        return external_api::clean_returnvalue(set_activities::execute_returns(), $answer)[0];
    }

    /**
     * What is named is changed, what is left out is not, and a second call writes nothing.
     */
    public function test_change(): void {
        global $DB;
        $wanted = [
            'idnumber' => 'N1', 'name' => 'Read & think', 'section' => 2, 'visible' => 0, 'minutes' => 60, 'component' => 'virtual',
            'completion' => ['tracking' => 'manual'],
        ];
        $this->assertSame('changed', $this->set($this->page, $wanted)['outcome']);
        $cm = get_fast_modinfo($this->course->id)->get_cm($this->page);
        $this->assertEquals(
            ['N1', 'Read & think', 2, 0, COMPLETION_TRACKING_MANUAL, 0],
            [$cm->idnumber, $cm->name, $cm->sectionnum, $cm->visible, $cm->completion, $cm->completionview]
        );
        $this->assertSame('60:virtual', hours::state(hours::of($this->page)));
        $before = [$this->cm($this->page), $DB->get_record('page', ['id' => $cm->instance])];
        $sink = $this->redirectEvents();
        $this->assertSame('unchanged', $this->set($this->page, $wanted)['outcome']);
        $this->assertSame('unchanged', $this->set($this->page, [])['outcome']);
        $this->assertSame([], $sink->get_events());
        $this->assertEquals($before, [$this->cm($this->page), $DB->get_record('page', ['id' => $cm->instance])]);
        $this->assertSame('changed', $this->set($this->page, ['minutes' => -1])['outcome']);
        $this->assertNull(hours::of($this->page));
        $this->assertSame('N1', $this->cm($this->page)->idnumber);
    }

    /**
     * The gradebook knows a new ID number, too; one event tells of it.
     */
    public function test_idnumber(): void {
        global $DB;
        $sink = $this->redirectEvents();
        $this->assertSame('changed', $this->set($this->quiz, ['idnumber' => 'Q1'])['outcome']);
        $this->assertTrue($DB->record_exists('grade_items', ['courseid' => $this->course->id, 'idnumber' => 'Q1']));
        $updated = array_filter($sink->get_events(), fn($event): bool => $event instanceof \core\event\course_module_updated);
        $this->assertCount(1, $updated);
        $this->assertSame('idnumbertaken', $this->set($this->page, ['idnumber' => 'Q1'])['code']);
    }

    /**
     * Rules that people have completed by stay, unless they are unlocked.
     */
    public function test_locked(): void {
        global $DB;
        $user = $this->getDataGenerator()->create_and_enrol($this->course, 'student');
        $this->setUser($user);
        $completion = new \completion_info(get_course($this->course->id));
        $completion->set_module_viewed(get_fast_modinfo($this->course->id)->get_cm($this->page), $user->id);
        $this->setUser($this->service);
        $manual = ['completion' => ['tracking' => 'manual']];
        $date = ['completion' => ['tracking' => 'automatic', 'view' => 1, 'expected' => 1800000000]];
        $answer = $this->set($this->page, ['name' => 'Not kept either'] + $manual);
        $this->assertSame(['locked', 'locked'], [$answer['outcome'], $answer['code']]);
        $this->assertStringContainsString('unlock', $answer['reason']);
        $this->assertSame('Read this', get_fast_modinfo($this->course->id)->get_cm($this->page)->name);
        $this->assertSame('changed', $this->set($this->page, $date)['outcome']);
        $this->assertSame(1, $DB->count_records('course_modules_completion', ['coursemoduleid' => $this->page]));
        $this->assertSame('changed', $this->set($this->page, $manual + ['unlock' => 1])['outcome']);
        $this->assertSame(0, $DB->count_records('course_modules_completion', ['coursemoduleid' => $this->page]));
    }

    /**
     * Rules by the grade need a grade, and one to pass.
     */
    public function test_grades(): void {
        $rules = ['tracking' => 'automatic', 'passgrade' => 1, 'submit' => 1];
        $this->assertSame('changed', $this->set($this->quiz, ['completion' => $rules])['outcome']);
        $cm = $this->cm($this->quiz);
        $this->assertEquals([0, 1, 0], [$cm->completiongradeitemnumber, $cm->completionpassgrade, $cm->completionview]);
        $answer = $this->set($this->page, ['completion' => ['tracking' => 'automatic', 'grade' => 1]]);
        $this->assertSame('nograde', $answer['code']);
    }

    /**
     * An activity of another course, or none, is not touched; the others of the call are.
     */
    public function test_refused(): void {
        $other = $this->getDataGenerator()->create_course();
        $there = $this->getDataGenerator()->create_module('page', ['course' => $other->id, 'name' => 'Theirs'])->cmid;
        $answers = set_activities::execute($this->course->id, [
            ['cmid' => $there, 'name' => 'Ours'], ['cmid' => 987654], ['cmid' => $this->page, 'component' => 'online'],
            ['cmid' => $this->page, 'name' => 'New'],
        ]);
        $this->assertSame(['noactivity', 'noactivity', 'componentwithoutminutes', ''], array_column($answers, 'code'));
        $this->assertSame('Theirs', get_fast_modinfo($other->id)->get_cm($there)->name);
        $this->assertSame('New', get_fast_modinfo($this->course->id)->get_cm($this->page)->name);
    }

    /**
     * In a hidden section, visible means: once the section is shown.
     */
    public function test_hidden_section(): void {
        set_section_visible($this->course->id, 0, 0);
        set_section_visible($this->course->id, 1, 0);
        $this->set($this->page, ['section' => 1]);
        $this->assertEquals(0, $this->cm($this->page)->visible);
        $this->assertSame('unchanged', $this->set($this->page, ['visible' => 1])['outcome']);
        $this->assertSame('changed', $this->set($this->page, ['visible' => 0])['outcome']);
        set_section_visible($this->course->id, 1, 1);
        $this->assertEquals(0, $this->cm($this->page)->visible);
    }
}
