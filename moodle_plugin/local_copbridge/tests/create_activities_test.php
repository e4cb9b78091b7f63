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
use local_copbridge\fixtures\provision_testcase;
use local_copbridge\local\hours;

defined('MOODLE_INTERNAL') || die();

require_once(__DIR__ . '/fixtures/provision_testcase.php');

/**
 * Tests of making activities from descriptions.
 *
 * @package    local_copbridge
 * @category   test
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\provision\activity_maker
 * @covers     \local_copbridge\local\provision\completion_rules
 * @covers     \local_copbridge\local\provision\description
 * @covers     \local_copbridge\local\provision\kinds
 * @covers     \local_copbridge\external\create_activities
 */
final class create_activities_test extends provision_testcase {
    /**
     * Makes activities.
     *
     * @param array $activities
     * @return array
     */
    private function make(array ...$activities): array {
        $answer = create_activities::execute($this->course->id, $activities);
        return external_api::clean_returnvalue(create_activities::execute_returns(), $answer);
    }

    /**
     * Every kind, with the settings that it needs and a rule.
     *
     * @return array
     */
    public static function kinds(): array {
        $rules = fn(array $rules): array => ['completion' => ['tracking' => 'automatic'] + $rules];
        return [
            'assign' => ['assign', $rules(['submit' => 1]) + ['settings' => ['submissiontypes' => ['file']]], 'grade', 100],
            'book' => ['book', $rules(['view' => 1]) + ['settings' => ['content' => 'One']], 'numbering', 1],
            'choice' => ['choice', $rules(['submit' => 1]) + ['settings' => ['options' => ['a', 'b']]], 'completionsubmit', 1],
            'feedback' => ['feedback', $rules(['submit' => 1]) + ['settings' => ['questions' => ['Why?']]], 'completionsubmit', 1],
            'folder' => ['folder', $rules(['view' => 1]), 'showexpanded', 1],
            'forum' => ['forum', $rules(['posts' => 3]), 'completionposts', 3],
            'glossary' => ['glossary', $rules(['entries' => 2]), 'completionentries', 2],
            'label' => ['label', ['completion' => ['tracking' => 'manual']], 'introformat', (int) FORMAT_HTML],
            'page' => ['page', $rules(['view' => 1]) + ['settings' => ['content' => 'Text']], 'contentformat', (int) FORMAT_HTML],
            'quiz' => ['quiz', $rules(['passgrade' => 1]) + ['settings' => ['grade' => 20, 'gradepass' => 12]], 'grade', 20],
            'url' => ['url', $rules(['view' => 1]) + ['settings' => ['externalurl' => 'https://example.org/']], 'display', 0],
        ];
    }

    /**
     * An activity of each kind is made, once.
     *
     * @dataProvider kinds
     * @param string $modname
     * @param array $more
     * @param string $field of the activity's table
     * @param int $value
     */
    public function test_kinds(string $modname, array $more, string $field, int $value): void {
        global $DB;
        $wanted = ['modname' => $modname, 'idnumber' => "X-$modname", 'name' => "A $modname", 'intro' => '<p>In</p>'];
        $wanted += ['section' => 1] + $more;
        [$made] = $this->make($wanted);
        $this->assertSame(['created', '', ''], [$made['outcome'], $made['code'], $made['reason']]);
        $cm = get_fast_modinfo($this->course)->get_cm($made['cmid']);
        $this->assertSame([$modname, "X-$modname", "A $modname"], [$cm->modname, $cm->idnumber, $cm->name]);
        $this->assertEquals(1, $cm->sectionnum);
        $this->assertEquals($value, $DB->get_field($modname, $field, ['id' => $cm->instance]));
        $tracking = $modname === 'label' ? COMPLETION_TRACKING_MANUAL : COMPLETION_TRACKING_AUTOMATIC;
        $this->assertEquals($tracking, $cm->completion);
        if ($modname === 'quiz') {
            $this->assertEquals([0, 1], [$cm->completiongradeitemnumber, $cm->completionpassgrade]);
            $this->assertEquals(12, $DB->get_field('grade_items', 'gradepass', ['idnumber' => 'X-quiz']));
        }
        [$again] = $this->make(['name' => 'Other', 'visible' => 0] + $wanted);
        $this->assertSame(['there', $made['cmid']], [$again['outcome'], $again['cmid']]);
        $this->assertEquals(1, $this->cm($made['cmid'])->visible);
    }

    /**
     * Descriptions that nothing can be made of.
     *
     * @return array
     */
    public static function bad(): array {
        $automatic = fn(array $rules = []): array => ['completion' => ['tracking' => 'automatic'] + $rules];
        return [
            'kind' => ['kind', ['modname' => 'lesson']],
            'no ID number' => ['noidnumber', ['idnumber' => '']],
            'long ID number' => ['idnumber', ['idnumber' => str_repeat('x', 101)]],
            'no name' => ['name', ['name' => '<script></script>']],
            'section' => ['section', ['section' => 999]],
            'tracking' => ['badtracking', ['completion' => ['tracking' => 'some']]],
            'no rule' => ['norules', $automatic()],
            'rule of another kind' => ['norule', $automatic(['posts' => 1])],
            'rule without automatic' => ['ruleswithoutautomatic', ['completion' => ['tracking' => 'manual', 'view' => 1]]],
            'grade' => ['nograde', $automatic(['grade' => 1])],
            'no pass' => ['nopassgrade', ['modname' => 'quiz'] + $automatic(['passgrade' => 1])],
            'pass above grade' => ['gradepass', ['modname' => 'quiz', 'settings' => ['grade' => 5, 'gradepass' => 6]]],
            'minutes' => ['minutes', ['minutes' => hours::MAX_MINUTES + 1]],
            'setting' => ['setting', ['settings' => ['options' => ['a']]]],
            'address' => ['externalurl', ['modname' => 'url', 'settings' => ['externalurl' => 'javascript:alert(1)']]],
            'options' => ['options', ['modname' => 'choice', 'settings' => ['options' => [' ']]]],
            'forum' => ['forumtype', ['modname' => 'forum', 'settings' => ['type' => 'news']]],
            'questions' => ['questions', ['modname' => 'feedback'] + $automatic(['submit' => 1])],
            'submission' => ['submissiontypes', ['modname' => 'assign', 'settings' => ['submissiontypes' => ['audio']]]],
        ];
    }

    /**
     * Nothing is made of a bad description, and the others of the call are.
     *
     * @dataProvider bad
     * @param string $code
     * @param array $more
     */
    public function test_bad(string $code, array $more): void {
        global $DB;
        [$bad, $good] = $this->make($this->page($more), $this->page(['idnumber' => 'M2']));
        $this->assertSame(['failed', 0, $code], [$bad['outcome'], $bad['cmid'], $bad['code']]);
        $this->assertStringNotContainsString('[[', $bad['reason']);
        $this->assertSame('created', $good['outcome']);
        $this->assertSame(1, $DB->count_records('course_modules', ['course' => $this->course->id]));
        $this->assertSame(3, $DB->count_records('course_sections', ['course' => $this->course->id]));
    }

    /**
     * Where Moodle fails half way, nothing of the activity stays; nor in the caches.
     */
    public function test_half_way(): void {
        global $DB;
        // The question is kept last; a text that the column cannot take makes it fail.
        $long = ['modname' => 'feedback', 'settings' => ['questions' => [str_repeat('long ', 100)]]];
        [$bad, $good] = $this->make($this->page($long + ['section' => 5]), $this->page(['idnumber' => 'M2']));
        $this->assertSame(['failed', 'created'], [$bad['outcome'], $good['outcome']]);
        $this->assertSame(0, $DB->count_records('feedback'));
        $modinfo = get_fast_modinfo($this->course->id);
        $this->assertSame([$good['cmid']], array_keys($modinfo->cms));
        $this->assertCount(3, $modinfo->get_section_info_all());
    }

    /**
     * Hours, visibility in a hidden section, an expected date.
     */
    public function test_more(): void {
        set_section_visible($this->course->id, 2, 0);
        [$made, $shown] = $this->make(
            $this->page(['minutes' => 90, 'component' => 'online', 'section' => 2]),
            $this->page(['idnumber' => 'M2', 'completion' => ['tracking' => 'manual', 'expected' => 1800000000]])
        );
        $hours = hours::of($made['cmid']);
        $this->assertEquals([90, 'online'], [$hours->minutes, $hours->component]);
        $this->assertEquals([0, 1], [$this->cm($made['cmid'])->visible, $this->cm($made['cmid'])->visibleold]);
        $this->assertEquals(1800000000, $this->cm($shown['cmid'])->completionexpected);
    }

    /**
     * Completion rules in a course without completion tracking are refused, not dropped.
     */
    public function test_completion_off(): void {
        $this->course = $this->getDataGenerator()->create_course(['enablecompletion' => 0]);
        [$made] = $this->make($this->page(['completion' => ['tracking' => 'manual']]));
        $this->assertSame('completionoff', $made['code']);
    }

    /**
     * Not without the capability, and not in a course that wasn't chosen.
     */
    public function test_gate(): void {
        set_config('scope', 'none', 'local_copbridge');
        \local_copbridge\local\scope::forget();
        try {
            $this->make($this->page());
            $this->fail('made in a course that was not chosen');
        } catch (\moodle_exception $error) {
            $this->assertSame('notchosen', $error->errorcode);
        }
        unassign_capability('local/copbridge:createactivities', $this->role);
        $this->expectException(\required_capability_exception::class);
        $this->make($this->page());
    }
}
